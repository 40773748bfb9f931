# ST[129] event list: events one by one, of each class as many a second on average as its quota. The first ones of each
# second would tell little of what comes after what; so in a window every event of a class is listed, and marks tell
# when it opens and closes. The kernel lists them; here windows are opened and closed, and packets sent.
from fsw import icd
from fsw.spectra import kernel as k
from micropython import const

_CLASSES = const(4)
_IN_PACKET = const(280)
_ENOUGH = const(32)  # halves of a part of 128: what comes until the next turn is to find room
_EVENT = const(1_000_000)  # of credit, which grows by the quota each microsecond
_LATER_US = const(1_000_000)  # from what decides on a window to the change
_LATEST_US = const(10_000_000)  # an event waits so long for others
_IDLE_US = const(600_000_000)  # and an open window without one: stamps wrap after 71 minutes
_PATIENCE_US = const(5_000_000)


class EventList:
    """quota: of each class, parameters."""

    def __init__(self, app):
        self.quota = bytearray(_CLASSES)
        self._acquisition = app.acquisition
        self._link = app.board.link
        self._modes = app.modes
        self._storm = app.storm
        self._telemetry = app.telemetry
        self._turned_us = self._due_us = self._sent_us = 0
        self._first = 0  # the class that is first in the next packet
        self._credit = [0] * _CLASSES  # below 0: debt
        self._until_us = [0] * _CLASSES  # a closed window stays so; an open one, too, but 0: without end
        for event_class in range(_CLASSES):
            app.acquisition.state[k.LIST + event_class] = event_class * k.PART

    def turn(self, now):
        gone_us, self._turned_us = now - self._turned_us, now
        none = self._storm.raging or self._modes.is_safe
        most = total = urgent = 0
        for event_class, quota in enumerate(self.quota):
            fill = self._fill(event_class)
            most = max(most, fill)
            total += fill
            if self._regulate(now, event_class, 0 if none else quota, gone_us) and fill > _ENOUGH:
                urgent = 1
        if urgent or (total and now - self._sent_us >= (_LATEST_US if most > k.MARK else _IDLE_US)):
            # link and packet store are waited for: a packet the one misses the other has
            if now - self._due_us >= _PATIENCE_US or (self._link.room() and self._telemetry.store.room()):
                self._send(now)
        else:
            self._due_us = now
            if not total:
                self._sent_us = now

    def _fill(self, event_class):
        return self._acquisition.state[k.LIST + event_class] - event_class * k.PART

    def _regulate(self, now, event_class, quota, gone_us):
        """The window closes a second after the events in it exceeded the quota, and opens when the debt is paid, a
        second later at least: it never depends on the event just before, so that pairs within a second are unbiased."""
        a, bit = self._acquisition, 1 << event_class
        state = a.state
        new = state[k.LISTED + event_class]
        state[k.LISTED + event_class] = 0
        a.n_listed += new
        credit = min(self._credit[event_class] + quota * gone_us, quota * _EVENT) - new * _EVENT
        self._credit[event_class] = credit
        until_us = self._until_us[event_class]
        a.listable &= ~bit
        if state[k.OPEN + event_class]:
            if not quota or 0 < until_us <= now:
                k.mark(state, a.listed, bit, 0)
                until_us = now + _LATER_US
            elif credit < 0 and not until_us:
                until_us = now + _LATER_US
        elif now >= until_us:
            until_us = 0
            if quota and credit >= 0 and self._fill(event_class) <= _ENOUGH:  # else it would be a short one
                a.listable |= bit
                if a.running:
                    k.mark(state, a.listed, bit, 1)
        self._until_us[event_class] = until_us
        return state[k.OPEN + event_class] or credit >= 0

    def _send(self, now):
        """Parts of whole classes, as many as fit; an open window goes on in the next packet."""
        a, telemetry = self._acquisition, self._telemetry
        state = a.state
        count = classes = 0
        for n in range(_CLASSES):
            event_class = (self._first + n) % _CLASSES
            fill = self._fill(event_class)
            if count + fill <= _IN_PACKET:
                count += fill
                classes |= 1 << event_class
        time_us = telemetry.time.start_us + a.last_good_us(now)
        telemetry.begin(icd.EVENT_LIST, time_us, state[k.STAMP], count)
        for event_class in range(_CLASSES):
            if classes >> event_class & 1:
                telemetry.halves(a.listed, event_class * k.PART, self._fill(event_class))
                state[k.LIST + event_class] = event_class * k.PART
                if state[k.OPEN + event_class]:
                    k.mark(state, a.listed, 1 << event_class, 1)
        telemetry.end()
        self._first = (self._first + 1) % _CLASSES
        self._due_us = now
        if classes + 1 == 1 << _CLASSES:
            self._sent_us = now


service = EventList  # what App makes
