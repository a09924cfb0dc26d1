"""A merchant's customers, as far as their payments name them."""
