"""`/reconciliations`: Clearway's records, compared with what gateways report."""
