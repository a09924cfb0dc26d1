"""What a merchant sets: name, branding, the checkout, time zone, security."""
