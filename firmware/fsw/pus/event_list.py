# ST[129] event list: individual events, up to a quota per second and class on average. A list of the first events of
# each second would show little about correlated events, so within a window every event of a class is listed, and marks
# record when it opens and closes. The kernel lists the events; this service opens and closes windows and sends packets.
from fsw import icd
from fsw.spectra import kernel as k
from fsw.spectra.reading import mark
from micropython import const

_CLASSES = const(4)
_IN_PACKET = const(279)
_ENOUGH = const(32)  # a class with more half-words is sent soon; the rest of its PART is for events until then
_LATEST_US = const(10_000_000)  # maximum time an event waits for others
_STEP_US = const(250_000)  # interval between steps
_IDLE_US = const(600_000_000)  # the same for an open window without events: stamps wrap after 71 minutes
_TIMEOUT_US = const(5_000_000)


class EventList:
    def __init__(self, parts):
        self._quota = bytearray(_CLASSES)  # per class, events per second
        self._acquisition = parts.acquisition
        self._link = parts.board.link
        self._boot_record = parts.boot_record
        self._storm = parts.storm
        self._telemetry = parts.telemetry
        self._due_us = self._sent_us = 0
        self._regulate_us = 0  # when a class is next regulated, even if the packet store is still being written
        self._waiting = False  # for the packet store
        self._first = 0  # the class regulated in this step
        self._credit = [0] * _CLASSES  # events; below 0: debt
        self._closing = 0  # mask of classes whose window closes when next regulated
        parts.acquisition.listable = (1 << _CLASSES) - 1  # until each class has been regulated
        for event_class in range(_CLASSES):
            parts.acquisition.state[k.LIST + event_class] = event_class * k.PART
        parts.parameters.bind(icd.P_QUOTA, _CLASSES, self, "set_quota")

    def set_quota(self, number, quota):
        """Set the quota of a class (parameter)."""
        self._quota[number - icd.P_QUOTA] = quota

    def step(self, now):
        """Regulate one class, and send lists that are due; return true if they wait for the packet store, which is
        being written: steps until the next one is due regulate none."""
        if not self._waiting or now >= self._regulate_us:
            self._regulate_us = now + _STEP_US
            self._first = (self._first + 1) % _CLASSES
            self._regulate(self._first)  # each class once a second
        self._waiting = False
        state = self._acquisition.state
        most = total = urgent = 0
        for event_class in range(_CLASSES):
            fill = state[k.LIST + event_class] - event_class * k.PART
            total += fill
            if fill > most:
                most = fill
            if fill > _ENOUGH and (
                state[k.OPEN + event_class] or self._credit[event_class] >= state[k.LISTED + event_class]
            ):
                urgent = 1  # a window needs the room
        if total and not self._acquisition.running:
            urgent = 1  # no further events follow
        if urgent or (total and now - self._sent_us >= (_LATEST_US if most > k.MARK else _IDLE_US)):
            # wait for room in both link and packet store; after the timeout, whichever has room gets the packet
            room = self._telemetry.store.room()
            if now - self._due_us >= _TIMEOUT_US or (room and self._link.room()):
                self._send(now)
            else:
                self._waiting = not room
        else:
            self._due_us = now
            if not total:
                self._sent_us = now
        return self._waiting

    def _fill(self, event_class):
        return self._acquisition.state[k.LIST + event_class] - event_class * k.PART

    def _regulate(self, event_class):
        """Open or close the window of a class. It closes one second after its events were found to exceed the quota and
        opens when the debt is paid, at least a second later: neither depends on the preceding event, so pairs within a
        second are unbiased."""
        a, bit = self._acquisition, 1 << event_class
        state = a.state
        quota = 0 if self._storm.active or self._boot_record.safe else self._quota[event_class]
        new = state[k.LISTED + event_class]
        state[k.LISTED + event_class] = 0
        a.n_listed += new
        self._credit[event_class] = credit = min(self._credit[event_class] + quota, quota) - new
        closing = self._closing & bit
        self._closing &= ~bit
        a.listable &= ~bit
        if state[k.OPEN + event_class]:
            if closing or not quota:
                mark(state, a.listed, bit, 0)
            elif credit < 0:
                self._closing |= bit
            else:
                a.listable |= bit  # so that it reopens at once after a ring overrun
        elif quota and credit >= 0 and self._fill(event_class) <= _ENOUGH:  # else the window would be short
            a.listable |= bit
            if a.running:
                mark(state, a.listed, bit, 1)

    def _send(self, now):
        """Send the lists of as many whole classes as fit; an open window continues in the next packet."""
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
                    mark(state, a.listed, 1 << event_class, 1)
        telemetry.end()
        self._due_us = now
        if classes + 1 == 1 << _CLASSES:
            self._sent_us = now


service = EventList  # constructed by app.py
