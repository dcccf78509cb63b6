"""OMFlow (SYSCOM): open an order, push it from stop to stop, wait for its stops and its end."""
