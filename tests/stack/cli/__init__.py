"""A package, so that its fixtures end with its last test instead of with the session."""
