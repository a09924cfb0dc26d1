"""Webhook endpoints: the URLs that receive a merchant's events, and their signing secrets."""
