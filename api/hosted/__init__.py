"""The hosted checkout: pages of their own origin where customers pay orders. No cookie, no storage on the server."""
