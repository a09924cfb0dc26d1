"""Application services for gateway configurations: create, change, delete, test, export, import, check."""
