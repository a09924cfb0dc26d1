"""What the stand-ins of gateways with a page of their own share: Telcell, Idram, FastShift, Ameriabank and ArCa.

The merchant opens an order, the customer pays it on the gateway's page, and the gateway reports to the merchant. Here
are accounts, orders, pages, callbacks and amounts. Each stand-in adds its protocol.

    books     accounts and orders         orders     what happens to an order, by the engine
    callbacks the requests to merchants   visiting   the customer's page and its buttons
    serving   calls of merchants, faults  amounts    decimal texts and numeric currency codes
"""
