# ST[129] event list: events one by one, of each class as many a second as its quota, so that noise in one class leaves
# room for the others. The kernel lists them, here they are sent: whole events only.
from fsw import icd
from fsw.spectra import kernel as k
from micropython import const

_IN_PACKET = const(280)
_REFILL_US = const(1_000_000)
_LATEST_US = const(10_000_000)  # an event waits so long for others; stamps wrap after 71 minutes
_PATIENCE_US = const(15_000_000)
_HEAD = const(3)  # halves before the codes


class EventList:
    def __init__(self, parts):
        self._quota = bytearray(4)  # of each class
        self._acquisition = parts.acquisition
        self._link = parts.board.link
        self._modes = parts.modes
        self._storm = parts.storm
        self._telemetry = parts.telemetry
        self._refill_us = self._sent_us = 0

    def set_quota(self, number, quota):
        """A parameter."""
        self._quota[number - icd.P_QUOTA] = quota

    def turn(self, now):
        state = self._acquisition.state
        if now >= self._refill_us:
            self._refill_us = now + _REFILL_US
            none = self._storm.raging or self._modes.is_safe
            for n, quota in enumerate(self._quota):
                state[k.QUOTA + n] = 0 if none else quota
        fill = state[k.LIST]
        if not fill:
            self._sent_us = now
        elif (fill >= _IN_PACKET or now - self._sent_us >= _LATEST_US) and self._room(now):
            self._send()
            self._sent_us = now

    def _room(self, now):
        """Of link and store, or they were waited for long enough: a packet the one misses the other has."""
        return now - self._sent_us >= _PATIENCE_US or (self._link.room() and self._telemetry.store.room())

    def _send(self):
        state, listed = self._acquisition.state, self._acquisition.listed
        fill = state[k.LIST]
        count = 0
        while count < fill:
            after = count + _HEAD + _hits(listed[count + 2])
            if after > _IN_PACKET:
                break
            count = after
        telemetry = self._telemetry
        clock = self._acquisition.clock
        time_us = telemetry.time.us()
        telemetry.begin(icd.EVENT_LIST, time_us, clock.us() & 0xFFFFFFFF, count)
        telemetry.halves(listed, 0, count)
        telemetry.end()
        view = memoryview(listed)
        view[: fill - count] = view[count:fill]
        state[k.LIST] = fill - count


def _hits(pattern):
    n = 0
    while pattern:
        pattern &= pattern - 1
        n += 1
    return n


service = EventList  # what app.py makes
