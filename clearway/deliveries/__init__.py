"""What a program may ask for about webhook deliveries: find, send again."""
