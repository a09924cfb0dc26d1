"""API keys of a merchant: list, create, rotate, revoke."""
