"""
Pigeon Post, a made-up vendor: send a letter, wait for its arrival.

It is what a vendor's room takes and nothing more, and lives outside of the package: if it needs a change in
``protocol``, ``transport`` or ``base``, those do not hold a vendor more.
"""
