"""Readers of third-party spectrum files: each handles one format, independently of the instrument."""
