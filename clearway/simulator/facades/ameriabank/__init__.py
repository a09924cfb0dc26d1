"""The Ameriabank vPOS 3.1 stand-in: JSON calls with the credentials in the body, a pay page, an unsigned return.

InitPayment gives the id of the payment before money can move. After the page the browser comes back with a code that
nobody signed: only GetPaymentDetails says what happened. RefundPayment has no idempotency: every call is a refund.
"""
