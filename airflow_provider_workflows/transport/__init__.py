"""How a message travels: one driver on requests, one on aiohttp, both for the same operations."""
