"""Products of decoded telemetry: sums, files and plots."""
