"""How often an account's requests may be sent, counted over all processes that send them."""
