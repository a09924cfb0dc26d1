"""Probes and metrics, for load balancers, orchestrators and Prometheus."""
