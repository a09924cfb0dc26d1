"""Views of lists that people keep for themselves."""
