"""What a merchant's payments add up to: the figures of Home, and series for charts. docs/statistics.md defines them."""
