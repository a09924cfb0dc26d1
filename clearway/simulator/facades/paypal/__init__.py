"""The stand-in of PayPal: its OAuth token, Orders v2, Payments v2 and webhooks, as far as they take payments.

What a payment does is the engine's matter. This package owns what is PayPal's own: orders that wait for the payer,
authorizations and captures, request ids that answer with the latest state, error bodies, signed webhooks. It knows
nothing of our connector.
"""
