"""Payments: made, read, captured and called off."""
