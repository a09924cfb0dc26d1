"""The mail catcher of `make dev`: an SMTP server that delivers nothing, and a page that shows what it got."""
