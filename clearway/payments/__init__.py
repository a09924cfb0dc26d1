"""Application services for payments: create, capture, cancel, resolve, find."""
