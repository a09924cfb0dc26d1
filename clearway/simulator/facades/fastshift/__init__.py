"""The FastShift stand-in: register an order, the page, an unsigned return and webhook, and the look-up of its status.

Return and webhook carry a status and the order's number, without a signature: anybody can send them. Only the look-up
says what happened. There is no capture, no void and no refund.
"""
