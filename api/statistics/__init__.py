"""Figures of a merchant's payments, for Home and for charts."""
