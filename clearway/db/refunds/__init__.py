"""Refunds in the database: `rows` maps them, `reading` serves merchants, `recording` writes what workflows do."""
