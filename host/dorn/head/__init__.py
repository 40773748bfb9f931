"""The simulated detector head: turns a source into particles, and particles into signals at the board's pins."""
