"""What people of every role may do, held against the API's document on a stack of its own."""
