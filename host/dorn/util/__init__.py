"""What every folder may use: checks of input, paths, Ctrl-C, extras. Imports nothing of dorn but errors."""
