"""The REST API: it starts, signals, updates and queries workflows, and reads the database; it decides nothing."""
