"""Whether search stays as fast while the record grows: `python -m benchmarks.search`. benchmarks/README.md says how to read it."""
