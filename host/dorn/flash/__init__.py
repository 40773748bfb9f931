"""Flashing of the firmware onto a board with MicroPython: its port, its files, and the order of changes."""
