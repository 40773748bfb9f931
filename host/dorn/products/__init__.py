"""Products of decoded telemetry: sums, files and plots. `Archive` is the public interface."""

from dorn.products.telemetry import Archive

__all__ = ["Archive"]
