"""Independent references that tests and benchmarks compare with, as in numpy.testing."""
