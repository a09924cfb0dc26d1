"""Encryption at rest, hashes of API secrets, and signatures of webhooks."""
