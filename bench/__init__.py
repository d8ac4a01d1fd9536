"""Benchmarks: the API beside PocketBase, and the console in a real terminal. `make bench` runs them; tests never do.

Ratios of one run are what counts: both products take turns on the same machine in the same minutes.
"""
