"""E-mail: what it says (`letters`), how it looks (`rendering`), the rows that wait (`outbox`), and SMTP (`smtp`)."""
