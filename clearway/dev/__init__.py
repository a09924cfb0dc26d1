"""The embedded development stack: obtains, starts, supervises and stops servers on one machine.

Nothing here runs in production, and nothing outside this package and the tests may import it.
"""
