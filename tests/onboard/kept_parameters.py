# Parameters as at the first start, for tests of components that bind them.
from doubles import ROOT, Clock, Flash
from fsw import icd
from fsw.health.faults import Failures
from fsw.pus.parameters import Parameters
from fsw.store.slots import Slots


class _Telecommands:
    """A verification service that never reports completion."""

    def hold(self):
        return None

    def resume(self, request, failed):
        pass


class _Kept(Parameters):
    """bound: the numbers bound, in order."""

    bound = ()

    def bind(self, first, count, part, name, factor=0):
        self.bound += tuple(range(first, first + count))
        super().bind(first, count, part, name, factor)


def parameters(report, clock=None):
    """Parameters with default values, on their own flash."""
    Flash()
    return _Kept(None, Slots(ROOT + "/parameters"), None, report, _Telecommands(), Failures(), clock or Clock())


def default(number):
    """Default of a parameter."""
    table = icd.PARAMETERS
    for row in range(0, len(table), 6):
        if table[row] <= number < table[row] + table[row + 1]:
            return table[row + 4]
    raise ValueError
