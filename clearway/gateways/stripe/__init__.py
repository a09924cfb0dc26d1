"""The connector to Stripe: PaymentIntents by the official SDK, whose own retries are off."""
