"""Events: the changes that merchants receive by webhook."""
