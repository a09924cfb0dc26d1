"""The sample merchant: a program of its own, for demonstrations and tests. It uses nothing of Clearway."""
