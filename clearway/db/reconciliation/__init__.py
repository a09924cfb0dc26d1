"""Reconciliation in the database: runs, gateways' reports, Clearway's payments, and items with their corrections."""
