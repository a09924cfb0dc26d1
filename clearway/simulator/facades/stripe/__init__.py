"""The Stripe stand-in: the parts of its API v1 that take payments, as the official SDK calls them.

The engine owns the rules of payments. This package owns Stripe's specifics: PaymentIntents with their states,
stored answers of idempotency keys, error bodies, events and their signatures. It does not depend on our connector.
"""
