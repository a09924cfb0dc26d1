"""Refunds: created, read and listed."""
