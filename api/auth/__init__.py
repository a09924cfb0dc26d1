"""Who makes a request: the principal behind an API key or a session, and the permissions a route asks for."""
