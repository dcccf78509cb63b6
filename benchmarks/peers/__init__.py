"""The clients that are measured against one another, each in a process of its own, and their server."""
