# ST[01] request verification: reports the outcome of each telecommand.
from struct import unpack_from

from fsw import icd
from fsw.health.faults import errno_of

# Success report and the acknowledgement flag that requests it (ECSS-E-ST-70-41C 7.4.4.1: from the lowest bit
# acceptance, start, progress, completion). Progress is never reported: no telecommand takes long enough.
ACCEPTANCE = (icd.ACCEPTANCE_SUCCESS, 1)
START = (icd.START_SUCCESS, 2)
COMPLETION = (icd.COMPLETION_SUCCESS, 8)


class Verification:
    """Reports on the current telecommand. held: its completion is reported later, by resume()."""

    def __init__(self, telemetry):
        self._telemetry = telemetry
        self._request: tuple = ()
        self.ack = 0
        self.held = False

    def begin(self, packet):
        """Make `packet`, of at least 4 octets, the current telecommand."""
        self._request = unpack_from(">HH", packet)
        self.ack = 0
        self.held = False

    def success(self, stage):
        report, flag = stage
        if self.ack & flag:
            self._telemetry.send(report, *self._request)

    def failure(self, report, failure, detail):
        request_id, sequence = self._request
        self._telemetry.send(report, request_id, sequence, failure, detail & 0xFFFFFFFF)

    def failed(self, error):
        """Report that its execution raised `error`."""
        self.failure(icd.COMPLETION_FAILURE, icd.FAILURE_INTERNAL, errno_of(error))

    def hold(self):
        """Defer the report of completion; return the request to pass to resume()."""
        self.held = True
        return self._request, self.ack

    def resume(self, request, error):
        """Report a deferred completion: success if `error` is None. The current telecommand is not affected."""
        current = self._request, self.ack
        self._request, self.ack = request
        if error is None:
            self.success(COMPLETION)
        else:
            self.failed(error)
        self._request, self.ack = current
