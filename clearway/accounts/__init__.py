"""What a program may ask for about merchants, their API keys and the secrets of an installation."""
