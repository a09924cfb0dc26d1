"""Webhook deliveries in the database: `reading` serves merchants, `recording` writes what workflows do."""
