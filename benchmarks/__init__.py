"""Benchmarks: each prints its figures, and a ratio to a limit measured in the same process."""
