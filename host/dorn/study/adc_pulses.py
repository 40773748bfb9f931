"""Stimuli of the ADC study, played through the firmware: a sliding pulser, and a line at many positions."""

from __future__ import annotations

import numpy as np

from dorn.dictionary import Dictionary
from dorn.nuclides import main_kev
from dorn.study.recording import record

_INSTRUMENT = Dictionary.load().instrument
KEV_PER_CODE, ZERO_CODE, DETECTORS = (_INSTRUMENT[name] for name in ("kev_per_code", "zero_code", "detectors"))
LOWEST_MV = 10  # comparator threshold
SPACING_NS = 10_000
PULSER_STEPS = range(24, 4051)  # codes of its 12-bit DAC, one per step: from above the threshold to full scale
PO214_KEV, LINE_KEV = main_kev("Po-214"), 20  # the line, and its FWHM
WIDE_CODE = 2559  # the over-wide code near Po-214
# distances of the line from the over-wide code, in ideal codes; the last is that with the instrument's own offset
OFFSETS = (-64, -40, -28, *range(-20, 21, 4), 28, PO214_KEV / KEV_PER_CODE + ZERO_CODE - WIDE_CODE)


# end-point integral nonlinearity of the pulser's DAC, in LSB of 12 bits, which are its steps here; non-ideal values:
# MCP4728 (data sheet Microchip DS22187E, electrical characteristics)
DAC_INL = {"ideal": 0.0, "typical": 2.0, "maximum": 13.0}


def pulser(sweeps: int, seed: int, inl: float = 0.0):
    """Particles of a sliding test pulser: every step of its DAC equally often in every detector, the detectors in
    turn, with a random dither of up to half a step either way, so that amplitudes are uniform.

    inl: integral nonlinearity of the DAC at mid-range, in steps; a parabola between the end points. A smooth bow is
    the worst case here: no averaging removes it.
    """
    rng = np.random.default_rng(seed)
    part = np.array(PULSER_STEPS) / (PULSER_STEPS[-1] + 1)
    steps = np.repeat(PULSER_STEPS + 4 * inl * part * (1 - part), DETECTORS)
    detectors = list(range(DETECTORS)) * len(PULSER_STEPS)
    for sweep in range(sweeps):
        energies_kev = KEV_PER_CODE * (steps + rng.uniform(-0.5, 0.5, len(steps)))
        first_ns = sweep * len(steps) * SPACING_NS
        times_ns = range(first_ns, first_ns + len(steps) * SPACING_NS, SPACING_NS)
        yield from zip(times_ns, detectors, energies_kev.tolist(), strict=True)


def line(counts: int):
    """Po-214 in all detectors, `counts` each, evenly spaced in time."""
    for i in range(DETECTORS * counts):
        yield i * SPACING_NS, i % DETECTORS, PO214_KEV


def gains() -> tuple[float, ...]:
    """Gains of the detectors that put the line at OFFSETS from the over-wide code, one offset per detector."""
    return tuple((WIDE_CODE + offset - ZERO_CODE) * KEV_PER_CODE / PO214_KEV for offset in OFFSETS)


def play(job) -> tuple[np.ndarray, int]:
    """Simulate a job: (front end, seed, function that yields particles, its arguments...).

    Returns counts (detectors, channels), and the number of pulses not delivered, plus spurious ones.
    """
    front_end, seed, particles, *arguments = job
    recording = record("unix", particles(*arguments), LOWEST_MV, front_end, seed)
    fates = recording.fates
    return recording.singles, fates["injected"] - fates["delivered"] + fates["spurious"]
