"""Live updates over HTTP: a WebSocket for browsers of people who are signed in, and server-sent events for programs."""
