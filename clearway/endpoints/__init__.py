"""What a program may ask for about webhook endpoints: create, change, delete, rotate the secret, test."""
