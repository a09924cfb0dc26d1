"""Programs for those who work on Clearway: they measure and write files, and no part of the product needs them."""
