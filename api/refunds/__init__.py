"""Refunds: reserved, read and listed."""
