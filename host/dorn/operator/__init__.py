"""The operator's tools: telecommands by name, a shell, and written procedures, all from the dictionary."""
