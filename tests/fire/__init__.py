"""Whole-system attacks: the gauntlet, simulated stories, fuzzing."""
