"""What a checkout page may see and do without a key: the id of an order or payment is its only permission."""
