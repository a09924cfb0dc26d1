"""The language of custom gateways: the shape of a document, explained in docs/custom-gateways.md.

`schemas/custom_gateway.json` is generated from it.

A document has closed lists in place of expressions. Text fields may have templates; amounts never.

    values      what a field of a request holds     answers     what a gateway's answer means
    recipes     signatures                          callbacks   what a gateway sends by itself
    requests    one HTTP request, one page          examples    the proof that each document ships
"""
