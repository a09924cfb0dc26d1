"""Routes for tests and demonstrations; absent in production."""
