"""The public reference of gateway errors."""
