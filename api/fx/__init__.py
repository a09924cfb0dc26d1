"""Foreign exchange over HTTP."""
