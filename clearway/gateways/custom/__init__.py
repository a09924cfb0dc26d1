"""The connector of gateways that a document describes: the language, its checks, the interpreter and the dry run."""
