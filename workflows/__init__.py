"""Payments, refunds and webhook deliveries as Temporal workflows. No I/O, no clock, no randomness."""
