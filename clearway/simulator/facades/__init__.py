"""Stand-ins for real gateways: each has one vendor's API over the simulator's engine, journal and faults."""
