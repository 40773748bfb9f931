"""Readers of spectrum files of others: each knows its format, and nothing of the instrument."""
