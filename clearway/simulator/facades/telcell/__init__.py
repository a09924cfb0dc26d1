"""The Telcell stand-in: invoices by redirect, their page, and the signed report.

An invoice lives for whole days, so a customer may pay it long after the shop gave up. There is nothing to ask, to
cancel or to refund: only the report says that money moved.
"""
