"""Measure the connector against its floors; ``make bench`` writes ``docs/benchmarks.md``."""
