"""Benchmarks: commands that measure, compare and say what load the machine saw; never a timed assertion."""
