"""What load balancers, orchestrators and Prometheus ask."""
