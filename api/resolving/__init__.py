"""Decisions about payments and refunds that are under review."""
