"""The connector to the gateway simulator (`clearway.simulator`): only HTTP connects the two."""
