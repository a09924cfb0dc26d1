"""What a payment costs, and how many a machine can take: `python -m scripts.bench --help`."""
