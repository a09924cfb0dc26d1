"""Tests of reconciliation against a real database, Temporal and simulator."""
