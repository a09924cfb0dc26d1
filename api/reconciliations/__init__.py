"""`/reconciliations`: what gateways report, compared with what is recorded."""
