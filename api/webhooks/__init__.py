"""Webhook deliveries, as merchants see them."""
