"""Application services for merchants, their API keys and the secrets of an installation."""
