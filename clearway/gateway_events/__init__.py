"""What becomes of the events that gateways send: kept, believed or not, passed on, compared with the record."""
