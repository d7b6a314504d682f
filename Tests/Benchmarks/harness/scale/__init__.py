"""What Tests/Benchmarks/scale measures; rows.py is the place to start."""
