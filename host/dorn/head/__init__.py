"""The simulated detector head: a source becomes particles, particles become what the board's pins see."""
