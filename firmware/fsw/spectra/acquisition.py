# Acquisition: drives the event builder and maintains spectra, counters, real and live time.
#
# Real time runs while acquiring; live time is real time less the dead time counted by the event builder. A ring overrun
# removes the time since the last good event (or since the ring was last known empty) from both.
import array

from fsw import icd, memory
from fsw.spectra import kernel as k
from fsw.spectra.channels import Channels, clear
from fsw.spectra.detectors import Detectors
from fsw.spectra.reading import batch, dead_cycles, mark
from micropython import const

_CLASSES = const(15)  # mask of all event classes
_BATCHES = const(4)  # kernel calls in one step: as many events as the rings hold
_ACCOUNTED = const(10_000)  # events, with up to 2**15 passes each, whose sums the kernel can hold
_LAST_EVENT_US = const(1000)  # longer than an event takes to complete after its detectors are switched off
_COUNT = const(0xFFFFFFFF)  # the event builder counts conversions modulo this
_EMPTY = const(0)
_MORE = const(1)
_FULL = const(2)


def _never():
    return False


class Acquisition:
    """counters: per detector (kernel.py); singles, pairs, to_close(): see Channels. listed: buffer of the event list.
    Since the last clear: real_us, gap_us (time missing from it), passes, overrun_hits; since boot: overruns, slips.
    integration: number of the running integration.
    """

    def __init__(self, board, parameters, report, time):
        """report(event, a, b): sends an event report. time: OnBoardTime."""
        self._time = time
        self._lines = None
        self.clock = board.clock
        self._wait = board.wait
        self.events = builder = board.events
        self._report = report
        self.state = array.array("I", bytes(4 * k.STATE))
        self._channels = Channels(self.state)
        self.to_close = self._channels.to_close
        self.singles, self.pairs, self.listed = self._channels.singles, self._channels.pairs, memory.listed
        self.counters = array.array("I", bytes(4 * 64))
        self.detectors = Detectors(builder, parameters, report)
        self._sort = builder.sorter(
            self.state, self.detectors.thresholds, self.counters, self.singles, self.pairs, self.listed
        )
        self.running = False
        self.cleared = self.integration = self.overruns = self.slips = 0
        self._before_clear = 0  # events up to the last clear
        self.integration_us = 60_000_000
        self._backlog = builder.backlog
        self.state[k.MASK] = builder.mask
        self.state[k.AMPLITUDE_MASK] = builder.amplitude_mask
        self.state[k.ZERO_CODE] = icd.ZERO_CODE
        self.listable = 0  # mask of the event classes whose windows open when it starts; set by the event list
        self._zero_totals()

    def follow(self, lines):
        """Call lines.closed(s, copy) for each detector spectrum that is closed, and lines.clear() at each clear."""
        self._lines = lines

    def _zero_totals(self):
        self.real_us = self.dead_cycles = self.gap_us = 0
        self.passes = self.overrun_hits = self.n_listed = 0

    # -- commands ----------------------------------------------------------------------------------

    def start(self):
        """Begin an integration with empty spectra. The caller has checked that none is running."""
        self._channels.empty()
        self.integration += 1
        self._launch()
        self.running = True
        now = self._known_us
        self._channels.begin(now, self.real_us, self.dead_cycles)
        self._rollover_us = now + self.integration_us
        self._report(icd.EVENT_ACQUISITION_STARTED, self.integration, self.detectors.mask)

    def stop(self):
        """Stop at once and mark every spectrum to be closed."""
        off = self.detectors.stop()
        now = self.clock.us()
        now -= (now - off) & 0xFFFFFFFF
        self.running = False  # an overrun found from here on does not restart the event builder
        self._catch_up(now)
        over = now + _LAST_EVENT_US  # lets an event in progress complete
        while self.clock.us() < over:
            self._wait(over, _never)
        self._drain(over, 1)
        mark(self.state, self.listed, _CLASSES, 0)
        self._halt()
        self.gap_us += now - self._known_us  # not 0 if a full channel held up events, or the ring overran
        self._channels.close_all(icd.CLOSED_BY_STOP, self.integration)
        self._report(icd.EVENT_ACQUISITION_STOPPED, self.integration, self.n_events() & 0xFFFFFFFF)

    def clear(self):
        """Empty spectra and counters; a running integration restarts."""
        now = self.clock.us()
        if self.running:
            self._catch_up(now)
            now = self._known_us  # earlier if a full channel holds up events: they are counted after the clear
            mark(self.state, self.listed, _CLASSES, 0)
        self._before_clear += self.n_events()
        self._channels.empty()
        self.cleared += 1  # invalidates copies taken before
        for i in range(64):
            self.counters[i] = 0
        for i in range(k.MARKS, k.OWN):
            self.state[i] = 0
        self._zero_totals()
        if self._lines:
            self._lines.clear()
        self._channels.begin(now, 0, 0)
        self._rollover_us = now + self.integration_us
        self._report(icd.EVENT_CLEARED, self.integration, 0)

    def set_integration(self, seconds):
        change_us = seconds * 1_000_000 - self.integration_us
        self.integration_us += change_us
        if self.running:
            self._rollover_us += change_us

    # -- the running acquisition -------------------------------------------------------------------

    def n_events(self):
        s = self.state
        return s[k.FRONT] + s[k.BACK] + s[k.FRONT_BACK] + s[k.SEVERAL] + s[k.NONE]

    def events_since_boot(self):
        return self._before_clear + self.n_events()

    def live_us(self):
        self.account()
        # the dead time of an event may begin before a start or clear
        return max(self.real_us - self.dead_cycles // self.events.mhz, 0)

    def wanted(self):
        """Return true if enough events wait. Must not allocate: polled while idle."""
        state = self.state
        if not self.running or state[k.HELD]:
            return False
        # not 0 once the slot that far ahead is filled: the top byte of an address is never 0
        return self.events.tails[((state[k.READ] + self._backlog) & state[k.MASK]) * 4 + 3]

    def step(self, now):
        """Read the events up to now; return true if there are more."""
        if not self.running:
            return False
        if now >= self._rollover_us and not self._channels.closing:  # the previous integration has been sent
            self._channels.close_all(icd.CLOSED_BY_TIME, self.integration)
            self.integration += 1
            self._rollover_us = max(self._rollover_us, now - self.integration_us + 1) + self.integration_us
        left = self._drain(now, _BATCHES)
        if left == _EMPTY:
            self._advance(now)
        if self.state[k.EVENTS_READ] > _ACCOUNTED:
            self.account()
        return left == _MORE

    def _drain(self, now, batches):
        """Read events before `now` in up to `batches` calls; return _EMPTY, _MORE or _FULL (a channel is full)."""
        state, builder = self.state, self.events
        state[k.UNTIL] = now & 0xFFFFFFFF
        for _ in range(batches):
            n = 0 if state[k.STATUS] else batch(self._sort, state, builder)  # an interrupt may have set it
            if state[k.LIMIT_REACHED]:
                self.detectors.stuck(state[k.LIMIT_REACHED])
                state[k.LIMIT_REACHED] = 0
            status = state[k.STATUS]
            state[k.STATUS] = 0
            if status == k.OVERRUN:
                return self._overrun(now)
            if status == k.FULL:
                return _FULL
            if status == k.SLIPPED:
                mark(state, self.listed, _CLASSES, 0)
                self.slips += 1
                self.overrun_hits += state[k.SLIP_CONVERSIONS]
                self._report(icd.EVENT_RING_SLIP, state[k.SLIP], state[k.SLIP_CONVERSIONS])
            elif n < k.EVENTS:
                return _EMPTY
        return _MORE

    def account(self):
        """Bring passes and dead_cycles up to date: add what the kernel has summed since the last call."""
        state = self.state
        if state[k.EVENTS_READ]:
            self._read += state[k.HITS]
            self.passes += state[k.PASSES]
            self.dead_cycles += dead_cycles(self.events, state) - self._before_cycles
            self._before_cycles = 0
            for i in range(k.EVENTS_READ, k.LIMIT_REACHED):
                state[i] = 0

    def _catch_up(self, now):
        """Read every event up to now, or until a channel is full, and advance real time to that point."""
        left = _MORE
        while left == _MORE:
            left = self._drain(now, _BATCHES)
        self._advance(now if left == _EMPTY else self.last_good_us(now))
        self.account()

    def last_good_us(self, now):
        """Return the time of the last event read, or when the ring was last empty: no earlier event is missing."""
        return now - ((now - self.state[k.STAMP]) & 0xFFFFFFFF)

    def _advance(self, now):
        if now > self._known_us:  # else an overrun found since `now` was read has advanced it further
            self.real_us += now - self._known_us
            self._known_us = now
            self.state[k.STAMP] = now & 0xFFFFFFFF  # stamps wrap after 71 minutes: keep it recent

    def _launch(self):
        state = self.state
        state[k.READ] = state[k.AMPLITUDE] = 0
        self._read = 0
        self._before_cycles = 0  # dead time of the mark, if real time begins after it
        builder = self.events
        self.detectors.start()
        marked = builder.tails[3]  # read before the clock, so that the stamp is not later
        now = self.clock.us()
        if marked:  # the mark is already there: its stamp is the exact time when the lines were first quiet
            state[k.STAMP] = int.from_bytes(builder.stamps[:4], "little")
            now = self.last_good_us(now)
            passes = (0x7FFF - int.from_bytes(builder.words[:4], "little")) & 0xFFFF
            self._before_cycles = builder.fixed_cycles + builder.pass_cycles * passes
        self._known_us = now
        self._halted = False
        state[k.STAMP] = now & 0xFFFFFFFF
        mark(state, self.listed, self.listable, 1)

    def _halt(self):
        """Stop the event builder, once; return the number of conversions never read."""
        if self._halted:
            return 0
        self._halted = True
        self.events.stop()
        self.account()
        lost = (self.events.converted() - self._read) % _COUNT
        self.overrun_hits += lost
        return lost

    def _overrun(self, now):
        """Account for a present or imminent ring overrun, and restart, or end at `now`; return _MORE or _FULL."""
        self._advance(self.last_good_us(self.clock.us()))
        mark(self.state, self.listed, _CLASSES, 0)
        good = self._known_us
        lost = self._halt()
        self.overruns += 1
        if self.running:
            self._launch()
            now = self._known_us
            self.gap_us += now - good
        else:  # `stop` accounts for the time
            clear(self.events.tails, self.events.mask + 1)
        self._report(icd.EVENT_RING_OVERRUN, min(max(now - good, 0), 0xFFFFFFFF), lost)
        return _MORE if self.running else _FULL

    # -- spectra -----------------------------------------------------------------------------------

    def snapshot(self, s):
        """Measure the current state of spectrum s.

        Return (integration, began_us, real_us, live_us, total), first and last channel with counts, the array with its
        channels and their offset there; first > last if it is empty. began_us: on-board time
        """
        if self.running:
            self._catch_up(self.clock.us())
        began, real_us, dead_cycles = self._channels.began(s)
        total, first, last, spectra, at = self._channels.measure(s)
        real_us = self.real_us - real_us
        live_us = max(real_us - (self.dead_cycles - dead_cycles) // self.events.mhz, 0)
        about = self.integration, self._time.start_us + began, real_us, live_us, total
        return about, first, last, spectra, at

    def close(self, s, copy):
        """Move spectrum s into `copy`, array("H"), and restart it.

        Return ((closed_by, integration, began_us, real_us, live_us, total), first, last channel with counts);
        first > last if it is empty.
        """
        (integration, began_us, real_us, live_us, total), first, last, _, _ = self.snapshot(s)
        self._channels.begin(self._known_us, self.real_us, self.dead_cycles, s, s + 1)
        self._channels.take(s, copy)
        if self._lines and s < icd.DETECTORS:
            self._lines.closed(s, copy)
        return self._channels.closed(s, integration) + (began_us, real_us, live_us, total), first, last

    def copy(self, s, copy):
        """Copy the current state of spectrum s into `copy`, array("H"). Returns the same as `close`."""
        about, first, last, _, _ = self.snapshot(s)
        self._channels.take(s, copy, 1)
        return (icd.CLOSED_BY_RUNNING,) + about, first, last
