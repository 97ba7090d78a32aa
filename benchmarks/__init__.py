"""Benchmarks: ratios against bare baselines, measured interleaved in one run, so that they mean something anywhere."""
