"""What every vendor's notifiers have in common: sending once from a callback."""
