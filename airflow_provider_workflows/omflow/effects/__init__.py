"""What operators do exactly once in OMFlow: open an order, push it, attach files."""
