"""Circuit breakers of gateways: counting technical failures, what is known of open ones, reset by a person."""
