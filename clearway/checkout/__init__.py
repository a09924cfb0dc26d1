"""The hosted checkout below HTTP: opening an order for its customer, what the page shows, and its form's token."""
