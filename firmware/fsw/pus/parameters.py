# ST[20] parameter management.
from array import array

from fsw import icd
from fsw.link.packet import Refused


class Parameters:
    """Values by number, at first the defaults; `apply(number, value)` makes a value take effect."""

    def __init__(self, telemetry, apply):
        self._telemetry = telemetry
        self._apply = apply
        self._values = array("I")
        for _, count, _, _, default in icd.PARAMETERS:
            for _ in range(count):
                self._values.append(default)

    def get(self, number):
        """Value of a parameter; raises Refused if there is none of this number."""
        return self._values[_find(number)[0]]

    def set(self, number, value):
        """Set a parameter. Refused for an unknown number or a value out of range; else what `apply` raises."""
        at, low, high = _find(number)
        if not low <= value <= high:
            raise Refused(icd.FAILURE_OUT_OF_RANGE, value)
        # also the value it has: that may not have reached what it sets, which may have changed by itself, too
        self._apply(number, value)  # if this raises, the old value stands
        self._values[at] = value

    def check(self, subtype, number, value=None):
        _, low, high = _find(number)
        if value is not None and not low <= value <= high:
            raise Refused(icd.FAILURE_OUT_OF_RANGE, value)

    def execute(self, subtype, number, value=None):
        if value is None:
            self._telemetry.send(icd.PARAMETER_VALUE, number, self.get(number))
        else:
            self.set(number, value)


def _find(number):
    # place in the values, low, high
    at = 0
    for first, count, low, high, _ in icd.PARAMETERS:
        if first <= number < first + count:
            return at + number - first, low, high
        at += count
    raise Refused(icd.FAILURE_UNKNOWN_PARAMETER, number)
