"""Events that gateways have sent: list, read, and process again."""
