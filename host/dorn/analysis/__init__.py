"""Ground analysis: from stored spectra, live times and event lists to physical quantities."""
