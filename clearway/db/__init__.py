"""Postgres: the tables, and a module of queries for each noun. Callers pass a connection and own the transaction."""
