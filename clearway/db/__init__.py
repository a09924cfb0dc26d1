"""Postgres: the tables, and a module of queries for each noun. Callers hand in a connection and own the transaction."""
