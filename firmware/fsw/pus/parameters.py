# ST[20] parameter management: values in memory and, in two copies, on flash.
#
# To limit flash wear, the first change is written at once and further ones together, at least 10 s after the last
# write. Changes of many parameters are written in a later step, because applying them already makes a long one. A
# telecommand is complete when its change is on flash.
from array import array
from struct import pack_into, unpack_from

from fsw import icd, memory
from fsw.health.faults import Refused
from micropython import const

_ENTRY = ">HI"  # on flash: number and value of each parameter, so that another firmware version can read them
_OCTETS = const(6)
_LOAD_TABLE = const(129)
_ROW = const(6)  # entries per row of icd.PARAMETERS
_BOOT_ONLY = const(0)  # owner of a parameter; above _ALWAYS: number of an optional service
_ALWAYS = const(1)
_INTERVAL_US = const(10_000_000)
_WAITING = const(16)  # telecommands that may wait for the next write
# octets allocated by replacing values, and by writing them, without what `slots` adds
_REPLACED = const(4_000)
_WRITTEN = const(2_500)


class Parameters:
    """Values by number, saved in `slots`. Each parameter is bound to the component that uses it.

    damaged: number of copies found damaged when read; with 2, or without any copy, the defaults apply.
    """

    def __init__(self, telemetry, slots, boot_record, report, verification, failures, clock):
        self._telemetry = telemetry
        self._report = report
        self._bound = {}  # number -> (part, attribute, factor; 0: a method)
        self._slots = slots
        self._boot_record = boot_record  # knows whether the mode is safe
        self._verification = verification
        self._failures = failures
        self._us = clock.us
        self._waiting = []  # (telecommand, event or None), to be completed by the next write
        self._written = []  # (telecommand, event or None, OSError or None), completion to be reported
        self._write_us = 0  # earliest time of the next write
        self._values = self._load()
        self.damaged = slots.bad if self._kept or not slots.bad else 2  # 2 also if no valid copy is left
        self._unsaved = self.damaged == 1  # the valid copy replaces the damaged one

    def _load(self):
        data = self._slots.load() or b""
        self._kept = len(data) > 0
        found = dict(unpack_from(_ENTRY, data, at) for at in range(0, len(data) - _OCTETS + 1, _OCTETS))
        values, table = array("I"), icd.PARAMETERS
        for row in range(0, len(table), _ROW):
            first, count, low, high, default = table[row : row + _ROW - 1]
            for number in range(first, first + count):
                value = found.get(number, default)  # unknown numbers, from another version, are ignored
                values.append(value if low <= value <= high else default)
        return values

    def bind(self, first, count, part, name, factor=0):
        """Bind `count` parameters from `first` on: each sets an attribute of `part` to factor * value or, if the factor
        is 0, is passed to a method (number, value), which may raise OSError."""
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
        """Return the first parameter not bound to a component, or None; those of absent services are ignored."""
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
        """Return the values, array("I"), in the order of the dictionary."""
        return self._values

    def get(self, number):
        """Return the value of a parameter; raises Refused if there is no parameter with this number."""
        return self._values[_find(number)[0]]

    def apply_all(self, numbers=None):
        """Apply every value, or those of `numbers`, even if some fail; return the errno of the last failure, or 0."""
        failed = 0
        for place, number in enumerate(_numbers()):
            if numbers is None or number in numbers:
                try:
                    self._apply(number, self._values[place])
                except OSError as error:
                    failed = error.errno
        return failed

    def set(self, number, value):
        """Set a parameter. If its component raises an exception, or the flash fails, the old value remains."""
        at, low, high = _find(number)
        if not low <= value <= high:
            raise Refused(icd.FAILURE_OUT_OF_RANGE, value)
        # even if unchanged: the component may have missed the value, or may have changed by itself since
        self._apply(number, value)
        if value != self._values[at]:
            self._values[at] = value
            self._unsaved = True
        self._write()

    def replace(self, values, numbers=None, event=None):
        """Replace all values, or those of `numbers`, as a whole. event: reported with the number of changed values once
        they are on flash; if that fails, the values on flash apply again and the telecommand fails.

        Raises OSError if slow control fails; nothing is changed then.
        """
        memory.garbage[0] += _REPLACED
        old, self._values = self._values, values
        failed = self.apply_all(numbers)
        if failed:
            self._values = old
            self.apply_all(numbers)
            raise OSError(failed)
        changed = sum(old[place] != value for place, value in enumerate(values))
        if changed:
            self._unsaved = True
        self._write(event and event + (changed,), later=True)

    def _write(self, event=None, later=False):
        """Write changes to flash, now, or later if asked to or if the last write was recent. Raises OSError if a write
        at once fails."""
        if self._unsaved:
            if later or self._us() < self._write_us:
                self._waiting.append((self._verification.hold(), event))
                return
            error = self.flush()
            if error:
                raise error
        if event:
            self._report(*event)

    def step(self, now):
        """Write pending changes when due; return whether there were any."""
        if not self._unsaved or now < self._write_us:
            return False
        self.flush()
        return True

    def report(self):
        """Report the completion of one telecommand whose change was written; return whether there was one."""
        if not self._written:
            return False
        request, event, failed = self._written.pop(0)
        if event and not failed:
            self._report(*event)
        self._verification.resume(request, failed)
        return True

    def finish(self):
        """Report the completion of all changes written, before a reset."""
        while self.report():
            pass

    def save(self):
        """Write both copies, whatever is on flash; return None or the OSError."""
        self._unsaved = True
        self._kept = False  # trust neither copy
        return self.flush()

    def flush(self):
        """Write unsaved values; report() then completes the telecommands that waited. Return None, or the OSError: then
        the values on flash apply again."""
        if not self._unsaved:
            return None
        self._write_us = self._us() + _INTERVAL_US
        memory.garbage[0] += _WRITTEN
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
                except OSError:  # slow control does not answer, and reports that itself
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
    # returns index into the values, lower and upper limit
    at, table = 0, icd.PARAMETERS
    for row in range(0, len(table), _ROW):
        first, count = table[row], table[row + 1]
        if first <= number < first + count:
            return at + number - first, table[row + 2], table[row + 3]
        at += count
    raise Refused(icd.FAILURE_UNKNOWN_PARAMETER, number)
