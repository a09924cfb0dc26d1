"""The dashboard's origin: the whole API and the built pages under one address, so that a session needs no CORS."""
