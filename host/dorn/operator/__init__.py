"""The operator's tools: telecommands by name, a shell and procedures, all based on the dictionary."""
