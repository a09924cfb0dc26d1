"""Stand-ins of real gateways: each speaks one vendor's protocol over the simulator's engine, journal and faults."""
