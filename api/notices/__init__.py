"""Which notices a person gets by e-mail."""
