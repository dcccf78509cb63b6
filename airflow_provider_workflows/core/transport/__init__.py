"""How a message travels: on requests in a worker, on aiohttp in the triggerer."""
