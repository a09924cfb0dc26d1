"""The browser's side of the stand-ins: scripts with the surface of those of gateways, and the frame of a card."""
