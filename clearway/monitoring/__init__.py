"""Monitoring of gateways: calls and what they tell, health checks, alerts."""
