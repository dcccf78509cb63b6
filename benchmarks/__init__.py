"""Measurements that depend on the machine, so that no test is made of them; `make bench-...` runs them."""
