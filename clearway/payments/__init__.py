"""What a program may ask for about payments: create, capture, cancel, find."""
