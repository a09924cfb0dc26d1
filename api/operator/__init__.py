"""Across all merchants: for operators of the installation."""
