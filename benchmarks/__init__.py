"""Measures the real service: `python -m benchmarks`. README.md says what is measured and how to read it."""
