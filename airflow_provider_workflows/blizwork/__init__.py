"""BlizWork: open a case, run its activities, wait for a pending activity and for its end."""
