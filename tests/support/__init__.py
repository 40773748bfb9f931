"""Shared by tests: instruments, emulated chips, packets, published data."""
