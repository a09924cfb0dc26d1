"""What may be asked of orders beside creating them: cancelling, and ending those whose time is over."""
