"""Tests that start whole stacks."""
