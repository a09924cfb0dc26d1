"""The audit log of a merchant: read and export."""
