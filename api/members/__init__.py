"""Members of an account and invitations."""
