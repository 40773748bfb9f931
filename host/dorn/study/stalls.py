"""Stalls that keep the CPU from reading the rings, at three rates, and the fate of the events meanwhile.

Events that fit the rings are kept. The rest is accounted for: each lost conversion is counted, and the time from the
last event read, or from the moment the rings were last known to be empty, until the event builder restarts is excluded
from real and live time. The head observes the same at its pins, with its own clock: a gap must cover all lost events
and no kept one.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from dorn.dictionary.headers import EVENT_REPORTING
from dorn.head.front_end import FrontEnd, Head
from dorn.image import firmware
from dorn.image.constants import constants
from dorn.image.folding import folded
from dorn.products.rates import PER_DETECTOR
from dorn.products.style import BLUE, ORANGE
from dorn.session import Session
from dorn.study import Report, spread
from dorn.study.recording import flat, reconciled
from dorn.targets.rp2040 import Rp2040Target
from dorn.util.paths import onboard_root

PAUSE_S = 0.15  # before each stall
SETTLE_S = 0.2  # after the last one
PERIOD_S = 1.0  # period of the rates task, which forces the garbage collection
_LONG_NS = 20_000  # longer than any event from its conversion to its reset, shorter than any start of the builder
RING_EVENTS = (1 << constants("pico")["RING_BITS"]) - 1


@dataclass(frozen=True)
class Stall:
    name: str
    seconds: float  # during which the rings are not read; 0: only the link is blocked, not the CPU
    kind: str


@dataclass(frozen=True)
class Case:
    stall: Stall
    rate_cps: float
    spacing: str = "poisson"

    def __str__(self) -> str:
        regular = ", regular" if self.spacing == "regular" else ""
        return f"{self.stall.name}, {self.rate_cps / 1000:g} kcps{regular}"


STALLS = (
    Stall("garbage collection, forced", 0.011, "collector"),
    Stall("USB, host reads nothing for 2 s", 0.0, "usb"),
    Stall("flash, 45 ms", 0.045, "flash"),
    Stall("flash, 400 ms", 0.4, "flash"),
)


CASES = [Case(stall, rate_cps) for stall in STALLS for rate_cps in (100, 1000, 20_000)]
# where the rings overflow, a regular source gives the times of the last kept and the first lost event most precisely
CASES += [Case(STALLS[2], 100_000, "regular"), Case(STALLS[3], 20_000, "regular")]
# the flash stalls only with a regular source, which is the stricter test
SHORT = [case for case in CASES if case.rate_cps > 1000 and (case.spacing == "regular" or case.stall.kind != "flash")]


class Witness(Head):
    """A head that records the times of its conversions and of the ends of its resets, in ns."""

    def __init__(self, front_end: FrontEnd):
        super().__init__(front_end)
        self.conversions: list[int] = []
        self.releases: list[int] = []

    def convert(self, d: int, now_ns: int) -> int:
        self.conversions.append(now_ns)
        return super().convert(d, now_ns)

    def reset(self, high: bool, now_ns: int) -> None:
        if self.reset_high and not high:
            self.releases.append(now_ns)
        super().reset(high, now_ns)


@dataclass
class Run:
    case: Case
    times: int  # number of stalls
    rates: dict  # fields of the rates packet at the end
    reconciled: bool
    gaps: list[tuple[int, float, float]]  # us: accounted for; least and most, as observed by the head
    stalled: bool  # the stall took place


def study(report: Report, short: bool) -> None:
    times = 1 if short else 3
    runs = list(spread(run, [(case, times) for case in (SHORT if short else CASES)]))
    rows = []
    for r in runs:
        what, rates, rate_cps = str(r.case), r.rates, r.case.rate_cps
        off = [max(least - accounted, accounted - most, 0.0) for accounted, least, most in r.gaps]
        open_us = max((most - least for _, least, most in r.gaps), default=0.0)
        live_s, real_s = rates["live_us"] / 1e6, rates["real_us"] / 1e6
        if r.case.spacing == "poisson":
            pull = (rates["events"] - rate_cps * live_s) / math.sqrt(rate_cps * live_s)
            right, limit = f"{pull:+.2f} sigma", "within 3"
            kept = abs(pull) <= 3
        else:  # all pulses in real time are recorded, to within one at each end of each stretch
            missing, ends = rate_cps * real_s - rates["events"], len(r.gaps) + 1
            right, limit, kept = f"{missing:+.1f} events", f"+-{2 * ends}", abs(missing) <= 2 * ends
        cells = (rates["events"], rates["overrun_hits"], len(r.gaps), rates["gap_us"])
        rows.append((what, *cells, f"{max(off):.1f} of {open_us:.0f}" if off else "-", right))
        report.bound(f"{what}: stalled", "yes" if r.stalled else "no", "yes", r.stalled)
        report.bound(f"{what}: counts", "reconcile" if r.reconciled else "do not", "reconcile", r.reconciled)
        report.bound(f"{what}: events in live time", right, limit, kept)
        if r.case.stall.seconds * rate_cps < RING_EVENTS:
            lost = rates["overrun_hits"] or rates["gap_us"]
            report.bound(f"{what}: lost", f"{rates['overrun_hits']} in {rates['gap_us']} us", "nothing", not lost)
        else:
            report.bound(f"{what}: gaps", f"{len(r.gaps)}", f"{times}", len(r.gaps) == times)
            worst = max(off, default=0.0)
            report.bound(f"{what}: gaps accounted for", f"{worst:.1f} us off", "<= 1", worst <= 1)
    columns = (f"{times} stalls each", "events", "hits lost", "gaps", "gap time us", "off us", "live time check")
    report.table("stalls (rp2040): losses, and the gaps that account for them", columns, rows)
    report.say("off, x of y: the gap starts x us outside the y us between the last kept and the first lost event")
    report.plot("stalls", _plot(runs))


def run(job: tuple[Case, int]) -> Run:
    case, times = job
    head = Witness(FrontEnd())
    overruns = []
    with Rp2040Target(head, files=_files(case.stall), unique_id=1) as target:
        session = Session(target)
        session.connect()
        target.flash_takes_time = False  # avoids other stalls: the packet store also writes to flash
        number = session.dictionary.enums["event"]["ring_overrun"]
        rates_task = session.dictionary.enums["task"]["rates"]

        def note(packet):
            if packet.service == EVENT_REPORTING and packet.fields.get("event") == number:
                overruns.append((packet.fields["a"], packet.fields["b"], len(head.conversions)))

        session.on_packet = note
        session.command("set_parameter", parameter="rates_period", value=int(PERIOD_S))
        head.conversions.clear()
        head.releases.clear()
        through = 0.2 if case.spacing == "poisson" else 0.0
        target.inject(flat(through).particles(case.rate_cps, 1000, 1, case.spacing))
        session.command("function", function="start")
        quiet = 0
        for _ in range(times):
            session.advance(PAUSE_S)
            before = session.packets
            _apply(case.stall, target, session)
            quiet += session.packets == before
        session.advance(PERIOD_S if case.stall.kind == "usb" else SETTLE_S)  # until the link can accept the report
        session.command("function", limit_s=20, function="stop")
        head.cut()
        rates = session.wait_for(lambda packet: packet.name == "rates", 10).fields
        ask = lambda: session.post("report_structure", structure="health")  # noqa: E731
        hk = session.wait_for(lambda packet: packet.name == "housekeeping", 11, ask).fields
    collected = hk["task_wcet_us"][rates_task] > 5000  # its step includes the garbage collection
    stalled = collected if case.stall.kind == "collector" else quiet == times
    hits = sum(sum(rates[name]) for name in PER_DETECTOR) + rates["overrun_hits"]
    fates = {**vars(head.fates), "pending": head.pending}
    gaps = [_gap(head, accounted_us, lost, known) for accounted_us, lost, known in overruns]
    return Run(case, times, rates, reconciled(fates, hits), gaps, stalled)


def _files(stall: Stall) -> dict[str, bytes]:
    files = firmware.files("pico")
    if stall.kind == "collector":
        script = (onboard_root() / "firmware" / "benchmarks" / "collecting.py").read_text()
        files["firmware_main.py"], files["main.py"] = files["main.py"], folded(script).encode()
    return files


def _apply(stall: Stall, target: Rp2040Target, session: Session) -> None:
    if stall.kind == "flash":
        target.hardware(stall.seconds)
    elif stall.kind == "usb":
        usb = target.mcu.usb_ctrl
        delay_us, usb.write_delay_microseconds = usb.write_delay_microseconds, 2_000_000
        session.advance(2)
        usb.write_delay_microseconds = delay_us
    else:
        session.advance(PERIOD_S)


def _gap(head: Witness, accounted_us: int, lost: int, known: int) -> tuple[int, float, float]:
    """(accounted, least, most) in us. least, most: from the end of the first lost event, and of the last kept one, to
    the restart.

    known: conversions at the time of the report. An event is counted at its end: a gap may start during an event.
    """
    restart_ns = [t for t in _starts(head) if t <= head.conversions[known - 1]][-1]
    before = bisect_right(head.conversions, restart_ns)
    kept_over_ns, lost_over_ns = (
        head.releases[bisect_right(head.releases, t)] for t in head.conversions[before - lost - 1 : before - lost + 1]
    )
    return accounted_us, (restart_ns - lost_over_ns) / 1000, (restart_ns - kept_over_ns) / 1000


def _starts(head: Witness) -> list[int]:
    """Times of the starts of the event builder: a reset long after the last conversion and the last reset, or the last
    of its extra passes. The reset of an event follows its conversion within a few us."""
    starts, last_ns = [], -_LONG_NS
    for t in head.releases:
        converted = bisect_right(head.conversions, t)
        event_ns = head.conversions[converted - 1] if converted else -_LONG_NS
        if t - max(event_ns, last_ns) > _LONG_NS:
            starts.append(t)
        elif starts and starts[-1] == last_ns and event_ns < last_ns:
            starts[-1] = t
        last_ns = t
    return starts


def _plot(runs: list[Run]) -> Figure:
    figure = Figure(figsize=(8, 4), dpi=110, layout="constrained")
    axes = figure.subplots()
    names = [str(r.case) for r in runs]
    lost = np.array([r.rates["overrun_hits"] for r in runs])
    kept = np.array([sum(sum(r.rates[name]) for name in PER_DETECTOR) for r in runs])
    share = 100 * lost / (kept + lost)
    axes.barh(names, 100 - share, color=BLUE, label="counted")
    axes.barh(names, share, left=100 - share, color=ORANGE, label="lost in the stall, accounted for")
    for row, (n, r) in enumerate(zip(kept + lost, runs, strict=True)):
        accounted = f", {r.rates['gap_us'] / 1000:.0f} ms accounted for" if r.rates["gap_us"] else ""
        axes.text(1, row, f"{n} hits{accounted}", color="white", va="center", fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("hits of the run, %")
    axes.tick_params(labelsize=8)
    axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    axes.set_title("Stalls (rp2040)", loc="left", fontsize=10)
    return figure
