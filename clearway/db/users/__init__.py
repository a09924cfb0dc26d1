"""Users, memberships and sessions, as stored. Passwords, secrets and addresses come in hashed or sealed."""
