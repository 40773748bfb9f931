# ST[20] parameter management: values in memory and, in two copies, on flash.
#
# The flash is spared: the first change is written at once, further ones together, 10 s after the write before at the
# earliest. A telecommand is complete when what it changed is on flash.
from array import array
from struct import pack_into, unpack_from

from fsw import icd, memory
from fsw.health.faults import Refused
from micropython import const

_ENTRY = ">HI"  # on flash: number and value of each, so that another version of the firmware knows what it reads
_OCTETS = const(6)
_LOAD_TABLE = const(129)
_ROW = const(6)  # of icd.PARAMETERS
_BOOT_ONLY = const(0)  # owners; above _ALWAYS: the number of an optional service
_ALWAYS = const(1)
_INTERVAL_US = const(10_000_000)
_WAITING = const(16)  # telecommands, for the next write


class Parameters:
    """Values by number. `slots`: where they survive a reset. Who answers for one is bound to it.

    damaged: copies found damaged when they were read; with 2, and where there are none, the defaults count.
    """

    def __init__(self, telemetry, slots, boot_record, report, verification, failures, clock, allocation):
        self._telemetry = telemetry
        self._report = report
        self._bound = {}  # number -> (part, attribute, factor; 0: a method)
        self._slots = slots
        self._boot_record = boot_record  # knows of mode safe
        self._verification = verification
        self._failures = failures
        self._us = clock.us
        self._allocation = allocation  # octets, of a write
        self._waiting = []  # (telecommand, event or None), whose completion is reported after the next write
        self._written = []  # (telecommand, event or None, OSError or None), whose completion is to be reported now
        self._write_us = 0  # not before
        self._values = self._load()
        self.damaged = slots.bad if self._kept or not slots.bad else 2  # there may have been one copy only
        self._unsaved = self.damaged == 1  # the copy that is left replaces the other

    def _load(self):
        data = self._slots.load() or b""
        self._kept = len(data) > 0
        found = dict(unpack_from(_ENTRY, data, at) for at in range(0, len(data) - _OCTETS + 1, _OCTETS))
        values, table = array("I"), icd.PARAMETERS
        for row in range(0, len(table), _ROW):
            first, count, low, high, default = table[row : row + _ROW - 1]
            for number in range(first, first + count):
                value = found.get(number, default)  # numbers of another version are left out
                values.append(value if low <= value <= high else default)
        return values

    def bind(self, first, count, part, name, factor=0):
        """So many parameters from that number on set an attribute of the part, times a factor; without one they are
        given to a method: (number, value), which may raise OSError."""
        bound = part, name, factor
        for number in range(first, first + count):
            self._bound[number] = bound

    def _apply(self, number, value):
        part, name, factor = self._bound.get(number, (None, "", 0))
        if factor:
            setattr(part, name, factor * value)
        elif part is not None:
            getattr(part, name)(number, value)

    def unbound(self, services):
        """The first number that nobody answers for, or None: none of these services, and no other part."""
        table = icd.PARAMETERS
        for row in range(0, len(table), _ROW):
            owner = table[row + _ROW - 1]
            if owner == _BOOT_ONLY or (owner != _ALWAYS and owner not in services):
                continue
            for number in range(table[row], table[row] + table[row + 1]):
                if number not in self._bound:
                    return number
        return None

    def all(self):
        """The values, array("I"), in the order of the dictionary."""
        return self._values

    def get(self, number):
        """Value of a parameter; raises Refused if there is none of this number."""
        return self._values[_find(number)[0]]

    def apply_all(self, numbers=None):
        """Make every value, or those, take effect. -> errno of the last that failed, or 0: it works without"""
        failed = 0
        for place, number in enumerate(_numbers()):
            if numbers is None or number in numbers:
                try:
                    self._apply(number, self._values[place])
                except OSError as error:
                    failed = error.errno
        return failed

    def set(self, number, value):
        """Set a parameter. If who answers for it raises, or the flash OSError, the old value stands."""
        at, low, high = _find(number)
        if not low <= value <= high:
            raise Refused(icd.FAILURE_OUT_OF_RANGE, value)
        # also the value it has: that may not have reached what it sets, which may have changed by itself, too
        self._apply(number, value)
        if value != self._values[at]:
            self._values[at] = value
            self._unsaved = True
        self._write()

    def replace(self, values, numbers=None, event=None):
        """Other values for all, or for those numbers, as a whole. event: that is reported with how many differ, once
        they are on flash.

        OSError, of the flash or of slow control: nothing is changed.
        """
        old, self._values = self._values, values
        failed = self.apply_all(numbers)
        if failed:
            self._values = old
            self.apply_all(numbers)
            raise OSError(failed)
        changed = sum(old[place] != value for place, value in enumerate(values))
        if changed:
            self._unsaved = True
        self._write(event and event + (changed,))

    def _write(self, event=None):
        """To flash what changed, now if the flash has been spared long enough; OSError if it does not take it."""
        if self._unsaved:
            if self._us() < self._write_us:
                self._waiting.append((self._verification.hold(), event))
                return
            error = self.flush()
            if error:
                raise error
        if event:
            self._report(*event)

    def step(self, now):
        """Write what waits, once it is time. -> whether it did"""
        if not self._unsaved or now < self._write_us:
            return False
        self.flush()
        return True

    def report(self):
        """One completion after the write. -> whether there was one"""
        if not self._written:
            return False
        request, event, failed = self._written.pop(0)
        if event and not failed:
            self._report(*event)
        self._verification.resume(request, failed)
        return True

    def finish(self):
        """Report all that was written, before a reset."""
        while self.report():
            pass

    def save(self):
        """Write both copies, whatever is on flash. -> None, or the OSError"""
        self._unsaved = True
        self._kept = False  # as far as anybody knows
        return self.flush()

    def flush(self):
        """Write what is not on flash: what waited for it is reported by report(). -> None, or the OSError: what
        flash has counts."""
        if not self._unsaved:
            return None
        self._write_us = self._us() + _INTERVAL_US
        memory.garbage[0] += self._allocation
        data = bytearray(_OCTETS * len(self._values))
        for place, number in enumerate(_numbers()):
            pack_into(_ENTRY, data, _OCTETS * place, number, self._values[place])
        failed = None
        try:
            for _ in range(1 if self._kept else 2):
                self._slots.save(data)
            self._kept = True
        except OSError as error:
            self._failures.note(error)
            failed = error
            self._restore()
        self._unsaved = False
        waiting, self._waiting = self._waiting, []
        self._written += [(request, event, failed) for request, event in waiting]
        return failed

    def _restore(self):
        new, self._values = self._values, self._load()
        for place, number in enumerate(_numbers()):
            if new[place] != self._values[place]:
                try:
                    self._apply(number, self._values[place])
                except OSError:  # slow control does not answer, which it reports by itself
                    pass

    def check(self, subtype, number=None, value=None):
        if subtype == _LOAD_TABLE:
            _table(number)
        elif number is not None:
            _, low, high = _find(number)
            if value is None:
                return
            if not low <= value <= high:
                raise Refused(icd.FAILURE_OUT_OF_RANGE, value)
        self._boot_record.check_not_safe()
        if len(self._waiting) >= _WAITING:
            raise Refused(icd.FAILURE_NO_ROOM, _WAITING)

    def execute(self, subtype, number=None, value=None):
        if subtype == _LOAD_TABLE:
            values, entries = array("I", self._values), _table(number)
            for parameter, entry in entries:
                values[_find(parameter)[0]] = entry
            self.replace(values, [parameter for parameter, _ in entries], (icd.EVENT_TABLE_LOADED, number))
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
