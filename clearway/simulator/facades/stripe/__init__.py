"""The stand-in of Stripe: the parts of its API v1 that take payments, as the official SDK speaks them.

What a payment does is the engine's matter. This package owns what is Stripe's own: PaymentIntents with their states,
stored answers of idempotency keys, error bodies, events and their signatures. It knows nothing of our connector.
"""
