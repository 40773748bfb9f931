"""Stalls: what keeps the CPU from reading the rings, at three rates, and what becomes of the events meanwhile.

What fits the rings is kept. What does not is booked: each conversion that is lost is counted, and the time from the
last event that was read, or the moment the rings were last known to be empty, until the event builder runs anew is
taken out of real and live time. The head at its pins has seen the same, in its own time: a gap must cover all events
that were lost and none that was kept.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from dorn import onboard_image
from dorn.collection import PER_DETECTOR
from dorn.files import onboard_root
from dorn.head.front_end import FrontEnd, Head
from dorn.session import Session
from dorn.study import Report, spread
from dorn.study.recording import balanced, flat
from dorn.targets.rp2040 import Rp2040Target

RATES_CPS = (100, 1000, 20_000)
RING_EVENTS = 2047
PAUSE_S = 0.3  # before each stall and after the last
_TURN = "        a = self._acquisition\n"  # of the rates task, where the collector is forced


@dataclass(frozen=True)
class Stall:
    name: str
    seconds: float  # that the rings are not read; 0: the CPU is there, only not the link
    kind: str


STALLS = (
    Stall("garbage collection, forced", 0.011, "collector"),
    Stall("USB, nothing taken for 2 s", 0.0, "usb"),
    Stall("flash, 45 ms", 0.045, "flash"),
    Stall("flash, 400 ms", 0.4, "flash"),
)


class Witness(Head):
    """A head that notes when it was converted and when its reset ended, in ns."""

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
    stall: Stall
    rate_cps: float
    times: int  # stalls
    rates: dict  # fields of the rates packet at the end
    balanced: bool
    gaps: list[tuple[int, float, float]]  # us: booked; at least and at most, as the head saw it


def study(report: Report, short: bool) -> None:
    times = 1 if short else 3
    runs = list(spread(run, [(stall, rate_cps, times) for stall in STALLS for rate_cps in RATES_CPS]))
    rows = []
    for r in runs:
        what, rates = f"{r.stall.name}, {r.rate_cps / 1000:g} kcps", r.rates
        fits = r.stall.seconds * r.rate_cps < RING_EVENTS
        pull = (rates["events"] - r.rate_cps * rates["live_us"] / 1e6) / math.sqrt(r.rate_cps * rates["live_us"] / 1e6)
        rows.append((what, rates["events"], rates["overrun_hits"], len(r.gaps), rates["gap_us"], f"{pull:+.2f}"))
        report.bound(f"{what}: books", "balance" if r.balanced else "do not balance", "balance", r.balanced)
        report.bound(f"{what}: corrected rate", f"{pull:+.2f} sigma", "within 3", abs(pull) <= 3)
        if fits:
            lost = rates["overrun_hits"] or rates["gap_us"]
            report.bound(f"{what}: lost", f"{rates['overrun_hits']} in {rates['gap_us']} us", "nothing", not lost)
        else:
            report.bound(f"{what}: gaps", f"{len(r.gaps)}", f"{r.times}", len(r.gaps) == r.times)
            off = [max(least - booked, booked - most, 0.0) for booked, least, most in r.gaps]
            figure = f"{max(off):.1f} us beyond what the head saw"
            report.bound(f"{what}: gaps booked", figure, "within 1 us", max(off) <= 1)
    columns = (f"{times} stalls each", "events", "hits lost", "gaps", "booked us", "pull")
    report.table("stalls (rp2040, Poisson source): what is lost, and booked", columns, rows)
    report.plot("stalls", _plot(runs))


def run(job: tuple[Stall, float, int]) -> Run:
    stall, rate_cps, times = job
    head = Witness(FrontEnd())
    overruns = []
    with Rp2040Target(head, files=_files(stall)) as target:
        session = Session(target)
        session.connect()
        number = session.dictionary.enums["event"]["ring_overrun"]

        def note(packet):
            if packet.name.startswith("event_") and packet.fields["event"] == number:
                overruns.append((packet.fields["a"], packet.fields["b"], len(head.conversions)))

        session.on_packet = note
        session.command("set_parameter", parameter="rates_period", value=1)
        head.conversions.clear()
        head.releases.clear()
        target.inject(source.particles(rate_cps, 1000, 1, spacing))
        session.command("function", function="start")
        for _ in range(times):
            session.advance(PAUSE_S)
            _hold_up(stall, target, session)
        session.advance(PAUSE_S)
        session.command("function", limit_s=20, function="stop")
        head.cut()
        rates = session.wait_for(lambda packet: packet.name == "rates", 10).fields
    hits = sum(sum(rates[name]) for name in PER_DETECTOR) + rates["overrun_hits"]
    fates = {**vars(head.fates), "pending": head.pending}
    gaps = [_seen(head, booked_us, lost, known) for booked_us, lost, known in overruns]
    return Run(stall, rate_cps, times, rates, balanced(fates, hits), gaps)


def _files(stall: Stall) -> dict[str, bytes]:
    path = "fsw/pus/rates.py"
    text = (onboard_root() / "firmware" / path).read_text()
    if stall.kind != "collector":
        return onboard_image.files("pico")
    changed = "import gc\n" + text.replace(_TURN, "        gc.collect()\n" + _TURN)
    if changed.count("gc.collect()") != 1:
        raise RuntimeError(f"{path} is not as it was: the collector cannot be forced there")
    return onboard_image.files("pico", changed={path: changed})


def _hold_up(stall: Stall, target: Rp2040Target, session: Session) -> None:
    if stall.kind == "flash":
        target.hardware(stall.seconds)
    elif stall.kind == "usb":
        usb = target.mcu.usb_ctrl
        delay_us, usb.write_delay_microseconds = usb.write_delay_microseconds, 2_000_000
        session.advance(2)
        usb.write_delay_microseconds = delay_us
    else:  # once in a period of the rates
        session.advance(1)


def _seen(head: Witness, booked_us: int, lost: int, known: int) -> tuple[int, float, float]:
    """(booked, least, most) us: from the first lost event, or the last kept one, to the event builder's new start.

    known: conversions when the report came. The new start is a reset that follows neither a conversion nor, as an
    extra pass does, another reset at once.
    """
    first_known_ns = head.conversions[min(known, len(head.conversions)) - 1]
    restarts = [
        b
        for a, b in zip(head.releases, head.releases[1:], strict=False)
        if b - a > 2000 and b <= first_known_ns and not _between(head.conversions, a, b)
    ]
    restart_ns = restarts[-1]
    before = [t for t in head.conversions if t < restart_ns]
    first_lost_ns, last_kept_ns = before[-lost], before[-lost - 1]
    kept_over_ns = next(t for t in head.releases if t > last_kept_ns)
    return booked_us, (restart_ns - first_lost_ns) / 1000, (restart_ns - kept_over_ns) / 1000


def _between(times, a, b) -> bool:
    return bisect_right(times, b) > bisect_right(times, a)


def _plot(runs: list[Run]) -> Figure:
    figure = Figure(figsize=(8, 4), dpi=110, layout="constrained")
    axes = figure.subplots()
    names = [f"{r.stall.name}, {r.rate_cps / 1000:g} kcps" for r in runs]
    lost = np.array([r.rates["overrun_hits"] for r in runs])
    kept = np.array([sum(sum(r.rates[name]) for name in PER_DETECTOR) for r in runs])
    share = 100 * lost / (kept + lost)
    axes.barh(names, 100 - share, color="#1f4e9c", label="counted")
    axes.barh(names, share, left=100 - share, color="#c2570c", label="lost in the stall, booked")
    for row, (n, r) in enumerate(zip(kept + lost, runs, strict=True)):
        booked = f", {r.rates['gap_us'] / 1000:.0f} ms booked" if r.rates["gap_us"] else ""
        axes.text(1, row, f"{n} hits{booked}", color="white", va="center", fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("hits of the run, %")
    axes.tick_params(labelsize=8)
    axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    axes.set_title("Stalls (rp2040)", loc="left", fontsize=10)
    return figure
