"""Customers who come back from a gateway's page."""
