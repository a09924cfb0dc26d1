"""Events: what merchants were, or could have been, told by webhook."""
