"""What tests and demonstrations may ask; absent in production."""
