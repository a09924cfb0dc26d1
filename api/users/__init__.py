"""People: signing in and out, and what they do with their own profile and sessions."""
