"""The simulator: a payment gateway for development and tests, and the connector that speaks to it.

Two programs share this package and nothing but HTTP joins them. The service (`python -m clearway.gateways.simulator`;
`app` and the modules it uses) is a gateway with a journal of its own. The connector (`client`, `mapping`) is how
Clearway reaches it, exactly as it would reach any other gateway; it imports nothing of the service.
"""
