"""A local double of the workflow systems that the provider drives, for tests, demos and exploring.

It is as stubborn as the real servers, on purpose. It imports nothing from the rest of the package, so that
a misunderstanding in a client cannot hide by being made on both sides.
"""
