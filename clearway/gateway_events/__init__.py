"""Gateway events: store, verify, pass on to workflows, compare with the database."""
