"""Who makes a request: the principal behind an API key, and the permissions a route asks for."""
