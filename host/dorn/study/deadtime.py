"""Dead time counted by the hardware, compared with dead time measured from outside with double pulses; and laboratory
methods, applied to the instrument (own_dead_time) and to measurements of others (two_sources, time_stamps).

One pulse, or several at once, is followed after a delay by a pulse on another detector. The shortest delay at which
that pulse gives a separate event is the dead time, independent of the firmware. It is not sharp: the sequencer polls
its lines every three cycles. Each delay is therefore tried many times, at all phases: the fraction of second pulses
lost, summed over the delays in steps of one clock cycle, is the mean dead time.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from dorn.errors import UserError
from dorn.head.front_end import FrontEnd, Head
from dorn.study import Report, own_dead_time, time_stamps, two_sources
from dorn.study.event_builder import record

CYCLE_NS = 8
SPACING_NS = 200_000  # between trials
PHASES = 40  # trials per delay, at random phases of the sequencer's loop of 24 ns
SPAN = 10  # cycles scanned on either side of the counted dead time
_AT_ONCE = 200  # trials per run: with 17 hits each they fit in the rings
PROBE = 15  # detector of the second pulse
WIDTH_NS = 4000
# name -> detectors hit at once, delay of a further pulse that keeps a line high at the end of the event (extra passes)
CASES = {
    "1 hit": ((3,), None),
    "2 hits": ((4, 5), None),
    "16 hits": (tuple(range(16)), None),
    "1 hit, extra passes": ((3,), 3000),
}


def study(report: Report, short: bool, data: Path | None) -> None:
    _double_pulses(report)
    own_dead_time.judge(report, short)
    if data is None:
        report.say("\nmeasurements of others: skipped, no DATA given")
    else:
        for name, method in (("two sources", two_sources), ("time stamps", time_stamps)):
            try:
                method.judge(report, data)
            except UserError as error:
                report.say(f"\n{name}: not judged: {error}")


def _double_pulses(report: Report) -> None:
    rows, shares = [], {}
    for name, (detectors, extend_ns) in CASES.items():
        counted, passes, shares[name] = lost_shares(detectors, extend_ns)
        # each delay represents the cycle centred on it
        mean = shares[name].sum() - SPAN - 0.5
        last_lost, first_seen = np.flatnonzero(shares[name])[-1], np.flatnonzero(shares[name] < 1)[0]
        least, most = first_seen - SPAN - 0.5, last_lost - SPAN + 0.5
        rows.append((name, passes, f"{counted * CYCLE_NS / 1000:.3f}", f"{least:+.1f} to {most:+.1f}", f"{mean:+.2f}"))
        worst = max(least, most, key=abs)
        report.bound(f"{name}: worst deviation", f"{worst:+.1f} cycles", "within 4", abs(worst) <= 4)
        report.bound(f"{name}: mean deviation", f"{mean:+.2f} cycles", "within 1", abs(mean) <= 1)
        if name == "1 hit":
            wcet_us = (counted + most) * CYCLE_NS / 1000
            report.bound("1 hit, 1.6 us of peaking time", f"{wcet_us:.2f} us", "<= 4.9", wcet_us <= 4.9)
    report.table(
        f"dead time of an event: counted, and measured with double pulses (rp2040, pulses of {WIDTH_NS / 1000:g} us)",
        ("", "extra passes", "counted, us", "measured - counted, cycles", "mean"),
        rows,
    )
    report.plot("deadtime", _plot(shares))


def lost_shares(detectors, extend_ns: int | None) -> tuple[int, int, np.ndarray]:
    """(cycles counted, extra passes, fraction of second pulses lost at each delay from counted - SPAN to + SPAN).

    Raises RuntimeError if the first event varies, or if the dead time is outside this range.
    """
    rng = random.Random(1)
    first = [(0, d, 5000.0) for d in detectors]
    if extend_ns is not None:
        first.append((extend_ns, detectors[0] + 1, 5000.0))
    alone, dead = _play([(rng.randrange(1000), first) for _ in range(PHASES)])
    events = {(event.pattern, event.passes) for (event,) in alone}
    if len(events) != 1:
        raise RuntimeError(f"the first event is not always the same: {events}")
    ((pattern, passes),) = events
    counted = dead.of(pattern, passes)
    trials = [
        (rng.randrange(1000), [*first, (delay * CYCLE_NS, PROBE, 5000.0)])
        for delay in range(counted - SPAN, counted + SPAN + 1)
        for _ in range(PHASES)
    ]
    lost = np.array([len(events) == 1 for events in _play(trials)[0]]).reshape(2 * SPAN + 1, PHASES)
    if not lost[0].all() or lost[-1].any():
        raise RuntimeError(f"the dead time is not within {SPAN} cycles of the {counted} counted")
    return counted, passes, lost.mean(axis=1)


def _play(trials):
    """The events of each trial (phase_ns, pulses), and the dead cycles."""
    out = []
    for begin in range(0, len(trials), _AT_ONCE):
        chunk = trials[begin : begin + _AT_ONCE]
        particles = [
            (i * SPACING_NS + phase + t, d, energy_kev)
            for i, (phase, pulses) in enumerate(chunk)
            for t, d, energy_kev in pulses
        ]
        events, _, dead = record(Head(FrontEnd(width_ns=WIDTH_NS)), particles, (len(chunk) + 1) * SPACING_NS * 1e-9)
        found = [[] for _ in chunk]
        for event in events:
            found[event.time_us * 1000 // SPACING_NS].append(event)
        out += found
    return out, dead


def _plot(shares) -> Figure:
    figure = Figure(figsize=(8, 3.6), dpi=110, layout="constrained")
    axes = figure.subplots()
    for (name, share), style in zip(shares.items(), ("o-", "s--", "^:", "x-."), strict=False):
        axes.plot(np.arange(-SPAN, SPAN + 1), share, style, markersize=5, fillstyle="none", label=name)
    axes.axvspan(-4, 4, color="#eeeeee", zorder=0, label="allowed for one event")
    axes.set_xlabel("delay of the second pulse - dead time counted, cycles of 8 ns")
    axes.set_ylabel("fraction lost")
    axes.set_title("Dead time (rp2040): double pulses against what the event builder counts", loc="left", fontsize=10)
    axes.legend(frameon=False)
    return figure
