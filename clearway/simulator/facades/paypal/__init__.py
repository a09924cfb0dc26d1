"""The PayPal stand-in: the parts of OAuth, Orders v2, Payments v2 and webhooks that take payments.

The engine owns the rules of payments. This package owns PayPal's specifics: orders that wait for the payer,
authorizations and captures, request ids that answer with the latest state, error bodies, signed webhooks. It does not
depend on our connector.
"""
