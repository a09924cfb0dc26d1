"""The log of a merchant's requests."""
