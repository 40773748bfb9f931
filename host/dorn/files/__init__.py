"""Readers of third-party spectrum files: each knows its format, and nothing of the instrument."""
