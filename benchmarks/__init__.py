"""What a scan costs, against the least that it could cost: `python -m benchmarks [--short] [--json]`."""
