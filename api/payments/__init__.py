"""Payments: created, read, captured and cancelled."""
