"""
A local double of the workflow systems that the provider drives, for tests, demos and exploring.

It refuses what the vendors are known to refuse. Where their sources differ or say nothing, it makes a choice,
which the page on testing lists. It imports nothing from the rest of the package, so that a client's mistake
cannot hide in shared code; a wrong reading of a source may still be on both sides.
"""
