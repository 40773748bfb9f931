# ST[20] parameter management: values in memory and, in two copies, on flash.
from array import array
from struct import pack_into, unpack_from

from fsw import icd
from fsw.link.packet import Refused
from micropython import const

_ENTRY = ">HI"  # on flash: number and value of each, so that another version of the firmware knows what it reads
_OCTETS = const(6)
_LOAD_TABLE = const(129)
_ROW = const(5)  # of icd.PARAMETERS


class Parameters:
    """Values by number; `apply(number, value)` makes a value take effect. `slots`: where they survive a reset.

    damaged: copies found damaged when they were read; with 2, and where there are none, the defaults count.
    """

    def __init__(self, telemetry, apply, slots, modes, report):
        self._telemetry = telemetry
        self._report = report
        self._apply = apply
        self._slots = slots
        self._modes = modes
        self._values = _defaults()
        data = slots.load() or b""
        self.damaged = slots.bad
        for at in range(0, len(data) - _OCTETS + 1, _OCTETS):
            number, value = unpack_from(_ENTRY, data, at)
            try:
                place, low, high = _find(number)
            except Refused:  # of another version
                continue
            if low <= value <= high:
                self._values[place] = value

    def all(self):
        """The values, array("I"), in the order of the dictionary."""
        return self._values

    def get(self, number):
        """Value of a parameter; raises Refused if there is none of this number."""
        return self._values[_find(number)[0]]

    def apply_all(self, numbers=None):
        """Make every value, or those, take effect. -> errno of the last that failed, or 0: it works without"""
        failed = 0
        for number in numbers or _numbers():
            try:
                self._apply(number, self.get(number))
            except OSError as error:
                failed = error.errno
        return failed

    def set(self, number, value):
        """Set a parameter, in memory and on flash. If `apply` raises, or the flash OSError, the old value stands."""
        at, low, high = _find(number)
        if not low <= value <= high:
            raise Refused(icd.FAILURE_OUT_OF_RANGE, value)
        old = self._values[at]
        # also the value it has: that may not have reached what it sets, which may have changed by itself, too
        self._apply(number, value)
        if value == old:
            return
        self._values[at] = value
        try:
            self.save()
        except OSError:
            self._values[at] = old
            self._apply(number, old)
            raise

    def replace(self, values, numbers=None):
        """Other values for all, or for those numbers, as a whole. -> how many differ

        OSError of the flash: nothing is changed; of slow control: it does not answer.
        """
        old, self._values = self._values, values
        try:
            self.save()
        except OSError:
            self._values = old
            raise
        failed = self.apply_all(numbers)
        if failed:
            raise OSError(failed)
        return sum(old[place] != value for place, value in enumerate(values))

    def save(self):
        """Write all to flash; OSError leaves there what was."""
        data = bytearray(_OCTETS * len(self._values))
        for place, number in enumerate(_numbers()):
            pack_into(_ENTRY, data, _OCTETS * place, number, self._values[place])
        self._slots.save(data)

    def check(self, subtype, number=None, value=None):
        if subtype == _LOAD_TABLE:
            _table(number)
        elif number is not None:
            _, low, high = _find(number)
            if value is None:
                return
            if not low <= value <= high:
                raise Refused(icd.FAILURE_OUT_OF_RANGE, value)
        self._modes.check_not_safe()

    def execute(self, subtype, number=None, value=None):
        if subtype == _LOAD_TABLE:
            values, entries = array("I", self._values), _table(number)
            for parameter, entry in entries:
                values[_find(parameter)[0]] = entry
            changed = self.replace(values, [parameter for parameter, _ in entries])
            self._report(icd.EVENT_TABLE_LOADED, number, changed)
        elif number is None:
            self.replace(_defaults())
        elif value is None:
            self._telemetry.send(icd.PARAMETER_VALUE, number, self.get(number))
        else:
            self.set(number, value)


def _table(number):
    for known, entries in icd.TABLES:
        if known == number:
            return entries
    raise Refused(icd.FAILURE_UNKNOWN_ENTRY, number)


def _defaults():
    values, table = array("I"), icd.PARAMETERS
    for row in range(0, len(table), _ROW):
        for _ in range(table[row + 1]):
            values.append(table[row + 4])
    return values


def _numbers():
    table = icd.PARAMETERS
    for row in range(0, len(table), _ROW):
        yield from range(table[row], table[row] + table[row + 1])


def _find(number):
    # place in the values, low, high
    at, table = 0, icd.PARAMETERS
    for row in range(0, len(table), _ROW):
        first, count = table[row], table[row + 1]
        if first <= number < first + count:
            return at + number - first, table[row + 2], table[row + 3]
        at += count
    raise Refused(icd.FAILURE_UNKNOWN_PARAMETER, number)
