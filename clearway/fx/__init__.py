"""Foreign exchange: rates from providers, and quotes for paying an order in another currency."""
