# The parameters, as they are at the first start, for the tests of parts that are bound to them.
from doubles import ROOT, Clock, Flash
from fsw import icd
from fsw.health.faults import Failures
from fsw.pus.parameters import Parameters
from fsw.store.slots import Slots


class _Telecommands:
    """Whose completion is never reported."""

    def hold(self):
        return None

    def resume(self, request, failed):
        pass


class _Kept(Parameters):
    """bound: the numbers that a part was bound to, in that order."""

    bound = ()

    def bind(self, first, count, part, name, factor=0):
        self.bound += tuple(range(first, first + count))
        super().bind(first, count, part, name, factor)


def parameters(report, clock=None):
    """With the defaults, on a flash of their own."""
    Flash()
    return _Kept(None, Slots(ROOT + "/parameters"), None, report, _Telecommands(), Failures(), clock or Clock(), 0)


def default(number):
    """Of a parameter."""
    table = icd.PARAMETERS
    for row in range(0, len(table), 6):
        if table[row] <= number < table[row] + table[row + 1]:
            return table[row + 4]
    raise ValueError
