"""Application services for refunds: create, resolve, find."""
