"""What errors of gateways mean: the public reference."""
