"""Application services for the members of an account: roles, removal, invitations."""
