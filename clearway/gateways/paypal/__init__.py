"""The connector to PayPal: Orders v2 and Payments v2 over HTTPS."""
