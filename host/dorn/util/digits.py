"""Numbers with the digits that their uncertainties allow."""

from __future__ import annotations

import math


def with_uncertainty(value: float, uncertainty: float) -> tuple[float, float]:
    """Both rounded to two significant digits of the uncertainty (GUM 7.2.6); unchanged if that is 0 or not finite."""
    if not 0 < uncertainty < math.inf:
        return value, uncertainty
    digits = 1 - math.floor(math.log10(uncertainty))
    if round(uncertainty, digits) >= 10 ** (2 - digits):  # 9.96 is 10 with two digits
        digits -= 1
    return round(value, digits), round(uncertainty, digits)
