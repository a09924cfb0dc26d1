"""Browser tests: the pages as people use them."""
