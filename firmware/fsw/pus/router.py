# The uplink task: extracts telecommands from the link, passes each to its service and reports the outcome.
from struct import calcsize, unpack

from fsw import icd
from fsw.health.faults import Refused
from fsw.link.packet import parse
from fsw.pus.verification import ACCEPTANCE, COMPLETION, START
from micropython import const

_RELEASED = const(8)
_TIMEOUT_US = const(1_000_000)
_ROW = const(4)  # entries per row of icd.COMMANDS


class Router:
    """services: number -> object with two methods, called with (subtype, *values of the fields).

    check() changes nothing and may raise Refused; execute() performs what check() accepted.
    """

    def __init__(self, verification, services):
        self.accepted = 0
        self.rejected = 0
        self._services = services
        self._verification = verification
        self._released = []  # telecommands released by the schedule and by events, still to be handled

    def release(self, packet):
        """Queue a telecommand for the next step of the commands task; False if the queue is full."""
        if len(self._released) >= _RELEASED:
            return False
        self._released.append(packet)
        return True

    def waiting(self):
        """Return whether a released telecommand is still to be handled."""
        return bool(self._released)

    def handle_released(self):
        """Handle the oldest released telecommand; return whether there was one."""
        if not self._released:
            return False
        self.handle(self._released.pop(0))
        return True

    def refuse(self, packet, failure, detail):
        """Report that a packet was rejected."""
        if len(packet) >= 4:
            self._verification.begin(packet)
            self._verification.failure(icd.ACCEPTANCE_FAILURE, failure, detail)
        self.rejected += 1

    def handle(self, packet):
        """Handle one packet of any content; failures are reported, not raised."""
        verification = self._verification
        if len(packet) < 4:  # too short to be identified in a report
            self.rejected += 1
            return
        verification.begin(packet)
        try:
            service, subtype, verification.ack, data = parse(packet)
            handler, values = self._find(service, subtype, data)
            handler.check(subtype, *values)
        except Refused as refusal:
            self._refuse(*refusal.args)
            return
        except Exception:  # a fault in one handler must not affect the others
            self._refuse(icd.FAILURE_INTERNAL, 0)
            return
        self.accepted += 1
        verification.success(ACCEPTANCE)
        verification.success(START)
        try:
            handler.execute(subtype, *values)
        except Exception as error:
            verification.failed(error)
            return
        if not verification.held:
            verification.success(COMPLETION)

    def _find(self, service, subtype, data):
        if service not in self._services:
            raise Refused(icd.FAILURE_UNKNOWN_SERVICE, service)
        table: tuple = icd.COMMANDS
        for row in range(0, len(table), _ROW):
            if table[row] == service and table[row + 1] == subtype:
                form, octets_follow = table[row + 2], table[row + 3]  # octets follow; the last value is their number
                octets = calcsize(form)
                values = unpack(form, data[:octets]) if len(data) >= octets else ()
                if len(data) != octets + (values[-1] if octets_follow and values else 0):
                    raise Refused(icd.FAILURE_BAD_LENGTH, len(data))
                return self._services[service], values + (bytes(data[octets:]),) if octets_follow else values
        raise Refused(icd.FAILURE_UNKNOWN_SUBTYPE, subtype)

    def _refuse(self, failure, detail):
        self.rejected += 1
        if failure == icd.FAILURE_UNKNOWN_SERVICE:
            report = icd.ROUTING_FAILURE
        elif failure < icd.FAILURE_OUT_OF_RANGE:  # the telecommand itself is invalid
            report = icd.ACCEPTANCE_FAILURE
        else:  # valid, but not allowed with this value, or in this state
            self._verification.success(ACCEPTANCE)
            report = icd.START_FAILURE
        self._verification.failure(report, failure, detail)


class Uplink:
    """authentication: None if every telecommand is accepted. functions.restart: a requested reset, which
    restart(maintenance) performs.
    """

    def __init__(self, link, deframer, authentication, router, functions, restart):
        self._link = link
        self._deframer = deframer
        self._authentication = authentication
        self._router = router
        self._functions = functions
        self._reset = restart
        self._received = None  # packets of the last read, still to be handled
        self._answered_us = 0  # when the link last had room

    def wanted(self):
        """Return true if a telecommand can be handled. Must not allocate: polled while idle."""
        return self._router.waiting() or (self._received is not None and self._link.room())

    def step(self, now):
        # the link is read in any case: a released telecommand may cause the event that releases it again
        more = self._router.handle_released()
        self._restart()
        link = self._link
        if self._received is None:
            data = link.read()
            if not data:
                return more
            self._received = self._deframer.feed(data)
            self._answered_us = now
        if link.room():
            self._answered_us = now
        elif now - self._answered_us < _TIMEOUT_US:  # telecommands wait until there is room for their reports
            return more
        for content in self._received:
            try:
                self._router.handle(self._authentication.open(content) if self._authentication else content)
            except Refused as refusal:
                self._router.refuse(content, *refusal.args)
            self._restart()
            return True  # one per step, as each allocates memory
        self._received = None
        return True  # there may be more

    def _restart(self):
        """Reset if a telecommand requested it; its reports have been sent."""
        function = self._functions.restart
        if function is not None:
            self._reset(function == icd.FUNCTION_MAINTENANCE)
