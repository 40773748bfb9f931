"""Utilities for all folders: checks of input, paths, Ctrl-C, extras. Imports nothing of dorn except errors."""
