"""The levels of a stimulus board's ladder, measured by the instrument that they are wired to: `dorn levels`.

Sixteen levels at a time, each in a detector of its own: which level a count belongs to does not depend on what is
measured. All detectors share one ladder and one converter.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

from dorn.errors import UserError
from dorn.session.acquire import RATES_S, collect
from dorn.session.instrument import Instrument
from dorn.session.playing import until_played
from dorn.session.presets import report
from dorn.targets.ladder import CODES_PER_LEVEL, FULL_SCALE, LEVELS, Ladder, Table
from dorn.targets.stimulus import StimulusBoard

DETECTORS = 16
_ALL = (1 << DETECTORS) - 1
PULSES = 64  # at each level
_GAP_CYCLES = 125_000  # 1 ms: every pulse is an event of its own
_WIDEST_CODES = 2 * CODES_PER_LEVEL  # of the pulses of a level


def measure(
    instrument: Instrument,
    board: StimulusBoard,
    pulses: int = PULSES,
    progress: Callable[[int], object] = lambda n: None,
) -> Table:
    """Measure all levels with `pulses` of them at each. Both must be connected.

    progress(n): called when n levels are done. A code is right within half a channel, 2 codes; better with noise. All
    thresholds are 0 and all detectors on meanwhile; however it ends, the acquisition is then stopped and the parameters
    are restored. Raises UserError if the instrument is not in standby, a pulse is missing, or the pulses of a level
    differ by more than two steps.
    """
    health = report(instrument, "health", "housekeeping", RATES_S)
    _check_standby(instrument.target.name, health.text("mode"))
    wanted = {f"threshold_{d}": 0 for d in range(DETECTORS)} | {"detectors_on": _ALL}
    before = {name: instrument.value(name) for name in wanted}
    present = before | {"detectors_on": health.fields["detectors_on"]}  # a detector may be switched off
    changes = {name: value for name, value in wanted.items() if present[name] != value}
    codes: list[float] = []
    try:
        instrument.set_parameters(True, **changes)
        for first in range(0, LEVELS, DETECTORS):
            codes += _sixteen(instrument, board, first, pulses)
            progress(len(codes))
    finally:
        instrument.set_parameters(True, **{name: before[name] for name in changes})
    hk = instrument.connect()
    return Table(
        Ladder(tuple(codes)),
        datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        pulses,
        {
            "unique_id": f"{hk.fields['unique_id']:016x}",
            "board": hk.text("board"),
            "version": instrument.version,
            "manifest": f"{hk.fields['manifest']:08x}",
        },
        {"unique_id": board.unique_id, "manifest": f"{board.manifest:08x}"},
    )


def _check_standby(name: str, mode: str) -> None:
    if mode != "standby":
        function = "standby" if mode == "safe" else "stop"
        what = f"the instrument is not in standby; to end that: dorn tc --target {name} function function={function}"
        raise UserError.at(f"target {name}", "mode", what, mode)


def _sixteen(instrument: Instrument, board: StimulusBoard, first: int, pulses: int) -> list[float]:
    """The codes of the levels from `first` on."""
    instrument.received.clear()
    instrument.function("clear")
    detectors = range(DETECTORS)
    try:
        instrument.start()
        seconds = board.play_pulses(
            (_GAP_CYCLES, 1 << d, first + d, first + d) for _ in range(pulses) for d in detectors
        )
        until_played(instrument, board, seconds)
    except BaseException:  # also Ctrl-C
        with contextlib.suppress(UserError):
            board.release()
        with contextlib.suppress(UserError):
            _stop(instrument)
        raise
    _stop(instrument)
    over_range = report(instrument, "science", "rates", RATES_S).fields["over_range"]
    spectra: dict[int, dict[int, int]] = {d: {} for d in detectors}
    for (d, channel), n in instrument.counts().items():
        spectra[d][channel] = n
    per_channel = instrument.dictionary.instrument["codes_per_channel"]
    return [mean_code(per_channel, first + d, spectra[d], over_range[d], pulses) for d in detectors]


def _stop(instrument: Instrument) -> None:
    collect(instrument, lambda session: session.command("function", function="stop"))


def mean_code(per_channel: int, level: int, spectrum: dict[int, int], over_range: int, pulses: int) -> float:
    """The mean code of a level; full scale if one of its pulses was over range.

    per_channel: codes. spectrum: counts by channel. Raises UserError as `measure` does.
    """
    recorded = sum(spectrum.values()) + over_range
    if recorded != pulses:
        what = f"{recorded} of {pulses} pulses were recorded: check the line of this detector, and the reset"
        raise UserError.at(f"level {level}", f"detector {level % DETECTORS}", what)
    if over_range:
        return float(FULL_SCALE)
    lowest, highest = (per_channel * channel for channel in (min(spectrum), max(spectrum)))
    if highest - lowest > _WIDEST_CODES:
        what = f"its pulses have codes from {lowest} to {highest + per_channel - 1}: check ladder and ground"
        raise UserError.at(f"level {level}", f"detector {level % DETECTORS}", what)
    return per_channel * sum(c * n for c, n in spectrum.items()) / pulses + (per_channel - 1) / 2


def summary(table: Table) -> list[str]:
    """Lines of text: how far the levels are from ideal ones, and what is unusual."""
    codes = table.ladder.codes
    errors = [(abs(code - CODES_PER_LEVEL * n), n) for n, code in enumerate(codes)]
    error, worst = max(errors)
    middle = LEVELS // 2
    lines = [
        f"largest difference from an ideal ladder: {error:.1f} codes, level {worst}",
        f"level {middle} above {middle - 1}: {codes[middle] - codes[middle - 1]:.1f} codes (ideal: {CODES_PER_LEVEL})",
    ]
    over = [n for n, code in enumerate(codes) if code >= FULL_SCALE]
    return [*lines, f"over range: levels {', '.join(map(str, over))}"] if over else lines
