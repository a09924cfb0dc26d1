"""Circuit breakers of gateways: count technical failures, keep open breakers in memory, reset by hand."""
