"""The gateway simulator: a payment gateway for development, tests and test merchants, with a journal of its own.

A program of its own (`python -m clearway.simulator`). Clearway reaches it over HTTP only, through the connector in
`clearway.gateways.simulator`, as it would reach any other gateway; neither imports the other.
"""
