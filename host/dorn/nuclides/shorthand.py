"""Numbers with a standard uncertainty in brackets, in units of the last digit: 5489.48(30) is 5489.48 +- 0.30.

The shorthand of ENSDF and of the GUM, JCGM 100:2008, 7.2.2.
"""

import re
from decimal import Decimal

from dorn.errors import UserError, shown

_NUMBER = re.compile(r"(\d+)(?:\.(\d+))?(?:\(([0-9]+)\))?", re.ASCII)


def parse(text: str) -> tuple[float, float | None]:
    """(value, uncertainty) of "5489.48(30)"; the uncertainty is None if there are no brackets.

    Raises UserError unless `text` is such a number: not negative, without exponent, any uncertainty above 0.
    """
    found = _NUMBER.fullmatch(text)
    if found is None or (found[3] is not None and not int(found[3])):
        raise UserError(f"not a number such as 3.097 or 3.097(12) ({shown(text)})")
    whole, decimals, digits = found[1], found[2] or "", found[3]
    value = float(f"{whole}.{decimals or 0}")
    return value, None if digits is None else float(Decimal(digits).scaleb(-len(decimals)))
