"""What a checkout page needs to know before the customer chooses how to pay."""
