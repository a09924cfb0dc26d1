"""The Idram stand-in: a form from the customer's browser, the precheck, the page, and the confirmation with checksum.

The form is unsigned, so a customer may change it: only the shop's answer to the precheck stops that. There is nothing
to ask and nothing to refund: only the confirmation says that money moved.
"""
