"""What is made of decoded telemetry: sums of it, files and pictures."""
