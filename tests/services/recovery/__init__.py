"""Tests of taking up what has no running workflow."""
