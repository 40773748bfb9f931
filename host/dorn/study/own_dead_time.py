"""The two-source method on the instrument itself: uncorrected rates show its dead time, corrected ones none."""

from __future__ import annotations

import numpy as np

from dorn.analysis import dead_time
from dorn.analysis.dead_time import Counts
from dorn.head.arrivals import arrivals, before
from dorn.head.front_end import FrontEnd
from dorn.image.constants import constants
from dorn.nuclides import main_kev
from dorn.study import Report, spread
from dorn.study.recording import record
from dorn.targets.event_model import Times, board_times

RATE_CPS = 20_000  # of each of the two simulated sources
WIDTH_NS = 1600  # of their pulses
DETECTORS = (0, 9)  # in different detection units


def source(detectors: tuple[int, ...], duration_s: float, seed: int):
    """Po-214 at random times in these detectors, at RATE_CPS each."""
    energy_kev = main_kev("Po-214")
    for times_ns, uniforms in before(duration_s, arrivals(RATE_CPS * len(detectors), seed, "poisson", 1)):
        chosen = np.array(detectors)[(uniforms[:, 0] * len(detectors)).astype(int)]
        yield from zip(times_ns.astype(np.int64).tolist(), chosen.tolist(), [energy_kev] * len(chosen), strict=True)


def observe(job: tuple[tuple[int, ...], float, int]) -> tuple[int, float, float]:
    """(events, real time, live time in s) reported by the instrument; job: detectors, duration in s, seed."""
    front_end = FrontEnd(peaking_ns=1500, width_ns=WIDTH_NS)
    recording = record("unix", source(*job), analogue=front_end)
    return recording.counters["events"], recording.real_us / 1e6, recording.live_us / 1e6


def judge(report: Report, short: bool) -> None:
    """The two-source method on the instrument itself, with sources on two detectors: uncorrected rates must give the
    dead time of the event builder, live-time-corrected rates none."""
    duration_s = 20.0 if short else 200.0
    jobs = [(DETECTORS[:1], duration_s, 1), (DETECTORS[1:], duration_s, 2), (DETECTORS, duration_s, 3)]
    observed = list(spread(observe, jobs))
    times = board_times(constants("pico"))
    true_us = float(np.mean([times.dead.of(1 << d) for d in DETECTORS])) / times.mhz
    rows, found = [], {}
    for name, column in (("real time", 1), ("live time", 2)):
        measured = [Counts(o[0], o[column]) for o in observed]
        tau_us, error_us = (1e6 * x for x in dead_time.two_source(*measured))
        found[name] = tau_us, error_us
        rows.append((f"counts / {name}", *(f"{m.cps:.1f}" for m in measured), f"{tau_us:.3f} +- {error_us:.3f}"))
    columns = ("instrument on unix", "first cps", "second cps", "both cps", "dead time us")
    report.table(f"two-source method, two detectors of {RATE_CPS} cps, {duration_s:g} s each", columns, rows)
    tau_us, error_us = found["real time"]
    expected_us = true_us + excess_us(times)
    report.say(f"dead time of one hit, mean of both detectors: {true_us:.3f} us; expected here: {expected_us:.2f} us")
    report.say("An event may also contain a hit of the other source; pulses that outlast the reset extend it.")
    limit_us = 3 * error_us + 0.05  # 0.05 us for the second-order terms, in the load, of both excesses
    what, limit = "instrument, uncorrected rates", f"{expected_us:.2f} +- {limit_us:.2f} us"
    report.bound(what, f"{tau_us:.2f} us", limit, abs(tau_us - expected_us) <= limit_us)
    tau_us, error_us = found["live time"]
    what, limit = "instrument, live-time-corrected rates", f"0 +- {3 * error_us:.3f} us"
    report.bound(what, f"{tau_us:+.3f} us", limit, abs(tau_us) <= 3 * error_us)


def excess_us(times: Times) -> float:
    """Excess of the two-source result over the dead time of one hit, to first order in rate times dead time.

    The method gives 2 tau12 - tau1, where tau1 is the mean dead time of an event with one source and tau12 with both.
    A pulse of the other source before the sample costs another conversion. A pulse in the last WIDTH_NS before the
    reset outlasts it by WIDTH_NS / 2 on average; rounding up to whole passes adds half a pass.
    """
    dead = times.dead
    one_pass = dead.extra_pass / times.mhz
    rate = RATE_CPS * 1e-6
    alone, both = [dead.of(1 << d) for d in DETECTORS], dead.of(sum(1 << d for d in DETECTORS))
    second_hit_us = rate * (4 + times.peaking) / times.mhz * (both - float(np.mean(alone))) / times.mhz
    passes_us = rate * WIDTH_NS / 1e3 * (WIDTH_NS / 1e3 + one_pass) / 2
    return 2 * (second_hit_us + 2 * passes_us) - passes_us
