"""The durable contract: workflow ids, task queues, messages, search attributes, and the calls that name workflows.

Workflows are named by strings here, so that the API, the CLI and activities can start, signal and update them without
importing their code.
"""
