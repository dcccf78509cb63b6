"""Robusta RPA: start a process on a robot, wait for its end and its outputs."""
