"""Live updates: each process tails the event table and passes ids and types on to those who listen."""
