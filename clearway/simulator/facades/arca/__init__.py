"""The ArCa stand-in (iPay, and the BPC family of many banks): form posts, a bank form, and the order's status.

`register.do` gives the id of the order before money can move, and `getOrderStatusExtended.do` finds it by both ids.
Every answer is HTTP 200; `errorCode` says what happened. `refund.do` has no idempotency: every call is a refund.
"""
