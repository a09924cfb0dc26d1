"""The connector to Square: payments in one step, delayed capture and refunds, by the official SDK."""
