"""What a program may ask for about gateway configurations: create, change, delete, test, export, import, check."""
