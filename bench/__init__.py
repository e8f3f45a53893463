"""Benchmarks: no part of the tests. Each figure stands beside the floor or the bare library of the same run."""
