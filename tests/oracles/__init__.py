"""What the tests compare with: slow, plain, float64, and sharing no code with the library."""
