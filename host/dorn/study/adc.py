"""Over-wide codes of the RP2040's ADC: measured as a user would, corrected on the ground, tested on held-out readings.

Ramps read by any boards are split: the even steps model the ADC of the simulated head, the odd ones are held out for
verification. A sliding pulser plays through the whole firmware into the ADC of the even steps; the widths derived from
its spectra correct the counts of the ADC of the odd steps. Each board is judged by itself; over-wide codes are expected
where the held-out half has them. The pulser's DAC is taken as ideal; the effect of the nonlinearity that a DAC's data
sheet allows is assessed separately.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dorn.analysis import code_widths
from dorn.analysis.code_widths import OVER_WIDE, CodeWidths
from dorn.head.adc import Adc
from dorn.head.front_end import FrontEnd
from dorn.study import Report, adc_plots, adc_ramps, spread
from dorn.study.adc_pulses import DAC_INL, KEV_PER_CODE, LINE_KEV, OFFSETS, WIDE_CODE, gains, line, play, pulser
from dorn.study.adc_ramps import Half, covered
from dorn.util.gaussian import FWHM

PARTS = 2  # processes that share the pulses of a board
CHANNELS, CODES_PER_CHANNEL = code_widths.scale()
WIDE_CHANNELS = [code // CODES_PER_CHANNEL for code in OVER_WIDE]
AS_COUNTED = CODES_PER_CHANNEL * np.arange(CHANNELS) + (CODES_PER_CHANNEL - 1) / 2  # channel centres in ideal codes


def study(report: Report, short: bool, data: Path) -> None:
    sweeps, line_counts = (5, 4000) if short else (300, 40_000)
    ramps = adc_ramps.read(report, data)
    boards = list(ramps)
    first = next((board for board in boards if ramps[board].held_out.over_wide()), boards[0])  # with other pulsers, too
    adcs = {board: [Adc.from_ramp(*half) for half in ramps[board]] for board in boards}
    jobs = [(FrontEnd(adc=adcs[board][0]), seed, pulser, sweeps, seed) for board in boards for seed in range(PARTS)]
    jobs += [(FrontEnd(adc=adcs[first][0]), 0, pulser, sweeps, 0, inl) for inl in DAC_INL.values() if inl]
    jobs += [(FrontEnd(adc=adcs[board][1], gain=gains(), noise_kev=LINE_KEV), 1, line, line_counts) for board in boards]
    played = list(spread(play, jobs))
    report.say(f"{len(jobs)} runs on the unix target, {sum(counts.sum() for counts, _ in played)} pulses in spectra")
    lost = sum(lost for _, lost in played)
    report.bound("pulses lost or spurious", f"{lost}", "0", lost == 0)
    flats = [np.concatenate([counts for counts, _ in played[i * PARTS : (i + 1) * PARTS]]) for i in range(len(boards))]
    line_counts = dict(zip(boards, (counts for counts, _ in played[-len(boards) :]), strict=True))
    widths = {}
    for board, flat in zip(boards, flats, strict=True):
        try:
            widths[board] = CodeWidths.from_counts(flat)
        except ValueError as error:
            report.say(f"not judged: {board}: {error}")
            continue
        widths[board].save(report.out / f"{board}-widths.csv")
    if not widths:
        return
    statistics = max(w.errors.max() / w.ordinary() for w in widths.values())
    spectra = PARTS * 16
    report.say(f"statistical error of a channel width: {100 * statistics:.2f} %, from the scatter of {spectra} spectra")
    held_out = {board: ramps[board].held_out for board in widths}
    judge(report, widths, held_out)
    scale(report, widths, held_out)
    lines(report, widths, held_out, [line_counts[board] for board in widths])
    if first in widths:
        bowed = [CodeWidths.from_counts(counts) for counts, _ in played[len(boards) * PARTS : -len(boards)]]
        bent(report, first, [widths[first], *bowed], held_out[first], line_counts[first])


def judge(report: Report, widths: dict[str, CodeWidths], held_out: dict[str, Half]) -> None:
    """Check that the histogram of the held-out readings, which is that of a uniform source, gets flatter."""
    rows, combs = [], []
    for board, half in held_out.items():
        codes = half.histogram()
        inner = covered(codes)
        counts = codes.reshape(CHANNELS, CODES_PER_CHANNEL).sum(axis=1)
        median = np.median(counts[inner])
        raw, flat = counts / median, widths[board].corrected(counts)[0] / median
        found = [code for code, *_ in widths[board].over_wide().values()]
        there = half.over_wide()
        report.bound(f"{board}: codes found over-wide", _list(found), f"as held out: {_list(there)}", found == there)
        wide = wide_codes(widths[board], codes, median)
        for channel, code, width, error, ratio in wide:
            figures = (raw[channel], flat[channel], ratio, width, error, ratio / width)
            rows.append((board, code, channel, *(f"{figure:.2f}" for figure in figures)))
        if wide:  # without such a code there is nothing to correct
            channels, _, expected, errors, ratios = np.transpose(wide)
            for what, off in (
                ("over-wide channels, corrected", np.abs(flat[channels.astype(int)] - 1).max()),
                ("over-wide codes, corrected", np.abs(ratios / expected - 1).max()),
            ):
                report.bound(f"{board}: {what}", f"1 +- {off:.2f}", "1 +- 0.20", off <= 0.2)
            sigmas = np.abs((ratios - expected) / errors).max()
            what = f"{board}: measured widths against the held-out half"
            report.bound(what, f"{sigmas:.1f} sigma", "3 sigma", sigmas <= 3)
        others = np.setdiff1d(np.arange(CHANNELS)[inner], [code // CODES_PER_CHANNEL for code in there])
        worse = int((np.abs(flat - 1) > np.abs(raw - 1))[np.setdiff1d(np.arange(CHANNELS), WIDE_CHANNELS)].sum())
        report.bound(f"{board}: other channels made worse", f"{worse}", "0", worse == 0)
        comb = widths[board].corrected(counts, comb=True)[0] / median
        spreads = [100 * np.sqrt(np.mean((x[others] - 1) ** 2)) for x in (raw, flat, comb)]
        comb_worse = (np.abs(comb - 1) > np.abs(raw - 1))[others].sum()
        if spreads[0]:
            left = spreads[2] / spreads[0]
            report.bound(f"{board}: comb, residual scatter", f"{left:.2f} of uncorrected", "0.60", left <= 0.6)
        combs.append((board, len(others), *(f"{x:.1f}" for x in spreads), comb_worse))
        if len(combs) == 1:
            report.plot("flat", adc_plots.flat(board, raw, flat, comb, inner))
    columns = ("board", "code", "channel", "counted", "corrected", "code width", "measured width", "+-", "corrected")
    title = "over-wide codes in the held-out half: counts / median channel, code widths / a quarter of it"
    if rows:
        report.table(title, columns, rows)
    report.table(
        "other channels of the held-out half: scatter in % of the median",
        ("board", "channels", "counted", "corrected", "comb corrected", "channels nominally worse with comb corrected"),
        combs,
    )


def _list(codes: list) -> str:
    """found in a channel that has no such code: ?"""
    return ", ".join("?" if code is None else str(code) for code in codes) or "none"


def wide_codes(measured: CodeWidths, codes: np.ndarray, median: float) -> list[tuple[int, int, float, float, float]]:
    """(channel, code, width, its error, width in the readings `codes`) of each erratum code that was found."""
    return [
        (channel, code, width, error, CODES_PER_CHANNEL * codes[code] / median)
        for channel, (code, width, error) in measured.over_wide().items()
        if code is not None
    ]


def edges_off(measured: CodeWidths, ramp: Half) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the measured channels in the ramp, minus those of an ideal ADC, and minus the corrected ones."""
    channels = measured.channels
    # edge of channel c: T[4 c]
    before = Adc.from_ramp(*ramp).deviations()[CODES_PER_CHANNEL * channels - 1]
    return before, before - (measured.edges()[channels] - (CODES_PER_CHANNEL * channels - 0.5))


def scale(report: Report, widths: dict[str, CodeWidths], held_out: dict[str, Half]) -> None:
    """Integral nonlinearity: channel edges of the held-out half, relative to the assumed ones."""
    rows, edges = [], {}
    for board, ramp in held_out.items():
        before, after = edges_off(widths[board], ramp)
        edges[board] = CODES_PER_CHANNEL * widths[board].channels, before, after
        left = np.abs(after).max()
        report.bound(f"{board}: integral nonlinearity, corrected", f"{left:.2f} codes", "1.00 codes", left <= 1)
        rows.append((board, *(f"{x:.2f}" for d in (before, after) for x in (d.min(), d.max(), np.sqrt(np.mean(d**2))))))
    report.plot("inl", adc_plots.edges(edges))
    columns = ("board", "before: min", "max", "rms", "after: min", "max", "rms")
    report.table("integral nonlinearity of the channel edges in the held-out half, codes", columns, rows)


def centroids_off(centres: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Error of the line's centroid in keV at each of OFFSETS; centres: channel centres in codes."""
    return KEV_PER_CODE * (counts @ centres / counts.sum(axis=1) - WIDE_CODE - OFFSETS)


def touching(measured: CodeWidths) -> np.ndarray:
    """Which of OFFSETS put part of the line, within three standard deviations, into the over-wide channel."""
    first, last = measured.edges()[[WIDE_CODE // CODES_PER_CHANNEL, WIDE_CODE // CODES_PER_CHANNEL + 1]]
    reach = 3 * LINE_KEV / FWHM / KEV_PER_CODE
    places = WIDE_CODE + np.array(OFFSETS)
    return (first - reach < places) & (places < last + reach)


def lines(report: Report, widths: dict[str, CodeWidths], held_out: dict[str, Half], played: list[np.ndarray]) -> None:
    """Centroids of Po-214, played through the firmware into the held-out ADC, at positions near an over-wide code."""
    rows = [[f"{offset:+.1f}"] for offset in OFFSETS]
    overlaps = False
    for (board, measured), counts in zip(widths.items(), played, strict=True):
        before, after = (centroids_off(centres, counts) for centres in (AS_COUNTED, measured.centres()))
        for row, *off in zip(rows, before, after, strict=True):
            row += [f"{error:+.1f}" for error in off]
        touches = touching(measured)
        beside, inside = np.abs(after[~touches]).max(), np.abs(after[touches]).max()
        what = f"{board}: Po-214 outside the over-wide channel, corrected"
        report.bound(what, f"{beside:.1f} keV", "3.0 keV", beside <= 3)
        if WIDE_CODE in held_out[board].over_wide():
            overlaps = True
            # half the width of an over-wide code
            what = f"{board}: Po-214 overlapping it, corrected"
            report.bound(what, f"{inside:.1f} keV", "14 keV", inside <= 14)
    columns = ["codes from 2559", *(f"{board} {when}" for board in widths for when in ("before", "after"))]
    title = (
        f"centroid error of Po-214, {LINE_KEV} keV FWHM, in keV (last: its position with the instrument's own offset)"
    )
    report.table(title, columns, rows)
    if overlaps:
        report.say("A line within the over-wide channel stays uncertain by its width: no table recovers that loss.")


def bent(report: Report, board: str, found: list[CodeWidths], ramp: Half, line_counts: np.ndarray) -> None:
    """Effect on the correction of pulser DACs with the nonlinearities of DAC_INL, on one board's held-out half."""
    codes, there = ramp.histogram(), ramp.over_wide()
    median = np.median(codes.reshape(CHANNELS, CODES_PER_CHANNEL).sum(axis=1)[covered(codes)])
    beside = ~touching(found[0])
    results = [("as counted", "-", edges_off(found[0], ramp)[0], centroids_off(AS_COUNTED, line_counts))]
    others, off = {}, []
    for (name, inl), measured in zip(DAC_INL.items(), found, strict=True):
        seen = [code for code, *_ in measured.over_wide().values()]
        if seen != there:
            others[name] = seen
        wide = [abs(x / width - 1) for *_, width, _, x in wide_codes(measured, codes, median)]
        off += wide
        edges, line = edges_off(measured, ramp)[1], centroids_off(measured.centres(), line_counts)
        results.append((f"{name}, {inl:g} LSB", f"1 +- {max(wide):.2f}" if wide else "none", edges, line))
    rows = []
    for name, wide, edges, line in results:
        codes_off = f"{abs(edges).max():.2f}", f"{np.sqrt(np.mean(edges**2)):.2f}"
        rows.append((name, wide, *codes_off, f"{abs(line[beside]).max():.1f}", f"{line[-1]:+.1f}"))
    columns = ("pulser's DAC", "wide codes", "edges: max", "rms, codes", "Po-214 outside: max", "own position, keV")
    report.table(f"effect of integral nonlinearity of the pulser's DAC, on {board}", columns, rows)
    report.say("The DAC is ideal in the tables above. Dither averages its steps, not its bow, which enters the edges")
    report.say("except for a straight line: energies are only as linear as the pulser.")
    report.say("Uneven steps, typically by 0.2 LSB or 5 % of a channel's width, are not modelled.")
    shown = "; ".join(f"{name}: {_list(seen)}" for name, seen in others.items()) or _list(there)
    what = f"{board}: codes found over-wide, nonlinear DAC"
    report.bound(what, shown, f"as held out: {_list(there)}", not others)
    if there:
        most = max(off, default=np.inf)
        what = f"{board}: over-wide codes, corrected, nonlinear DAC"
        report.bound(what, f"1 +- {most:.2f}", "1 +- 0.20", most <= 0.2)
