"""Reconciliation in the database: runs, what gateways report, what is recorded, and items with their corrections."""
