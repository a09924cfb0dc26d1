"""Activities: what workflows do outside Temporal. Classes with injected clients, one file a subject."""
