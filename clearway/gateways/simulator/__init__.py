"""The connector to the gateway simulator (`clearway.simulator`): nothing but HTTP joins the two."""
