"""Numbers with the digits that their uncertainties allow."""

from __future__ import annotations

import math


def with_uncertainty(value: float, uncertainty: float) -> tuple[float, float]:
    """Both rounded to two significant digits of the uncertainty (GUM 7.2.6); unchanged if that is 0 or not finite."""
    if not 0 < uncertainty < math.inf:
        return value, uncertainty
    digits = _digits(uncertainty)
    return round(value, digits), round(uncertainty, digits)


def shown(value: float, uncertainty: float) -> str:
    """The same as text: 5.50 +- 0.30."""
    if not 0 < uncertainty < math.inf:
        return f"{value:.10g} +- {uncertainty:.10g}"
    digits = _digits(uncertainty)
    if digits > 6:
        value, uncertainty = with_uncertainty(value, uncertainty)
        return f"{value:.10g} +- {uncertainty:.2g}"
    return " +- ".join(f"{round(number, digits):.{max(digits, 0)}f}" for number in (value, uncertainty))


def _digits(uncertainty: float) -> int:
    """Decimal places of two significant digits."""
    digits = 1 - math.floor(math.log10(uncertainty))
    if round(uncertainty, digits) >= 10 ** (2 - digits):  # 9.96 is 10 with two digits
        digits -= 1
    return digits
