"""What Tests/Benchmarks/run is made of; its README says what is where."""
