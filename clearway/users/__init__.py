"""Application services for people: signing in and out, their sessions, passwords and second factors."""
