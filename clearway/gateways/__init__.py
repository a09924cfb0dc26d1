"""Payment gateways: the contract they fulfil (`base`), which there are (`registry`), and one package for each."""
