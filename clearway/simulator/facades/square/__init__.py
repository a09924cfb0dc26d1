"""The Square stand-in: the parts of its API v2 that take payments, as the official SDK calls them.

The engine owns the rules of payments. This package owns Square's specifics: one-step payments, delayed capture,
keys that return the original payment, lists that lag behind, error bodies, signed webhooks. It does not depend on our
connector.
"""
