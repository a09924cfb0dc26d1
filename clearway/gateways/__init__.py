"""Payment gateways: the contract they fulfil, which kinds there are, and one package for each kind.

`catalogue` says what each kind asks a merchant for. `connections` keeps the connectors of a process.
"""
