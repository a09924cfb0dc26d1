"""Webhooks that gateways send to us."""
