"""What a program may ask for about refunds: create, find."""
