"""The rules of payments, pure: no I/O library and no other part of Clearway may be imported here."""
