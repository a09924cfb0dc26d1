"""Routing rules of a merchant: versions, what they would do, and why a payment went to its gateway."""
