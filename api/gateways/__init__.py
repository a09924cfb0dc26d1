"""Gateways that merchants connect, and the events that gateways send."""
