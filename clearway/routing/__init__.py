"""Routing of payments: a merchant's rules in versions, the choice for one payment, and what a change would do."""
