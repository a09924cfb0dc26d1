"""Application services for webhook endpoints: create, change, delete, rotate the secret, test."""
