"""The gauntlet: payments under fire from a seeded plan, then a verdict on every invariant. See docs/reliability.md."""
