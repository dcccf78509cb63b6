"""The desk: what the vendors' own staff see and do, on pages that a browser shows."""
