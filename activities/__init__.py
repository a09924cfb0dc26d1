"""What workflows do to the outside world: classes that hold injected clients, one file a subject."""
