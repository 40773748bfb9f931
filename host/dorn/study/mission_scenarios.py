"""Missions drawn at random, for `dorn study missions`: their scenarios, and their spectra by the model of the head.

A mission has unknown rates, tails that differ between sources, resolutions and gains of each detector, a drift of 2 %
with temperature, a solar event, contamination of the detectors and an impurity of the calibration source.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dorn.analysis.calibration import Calibration
from dorn.dictionary import Dictionary
from dorn.head.analogue import FrontEnd
from dorn.head.scenario_source import ScenarioSource
from dorn.products.slice_arrays import SliceArrays, energies_kev
from dorn.products.slices import COINCIDENCE_CHANNELS, DETECTORS, SPECTRA, UNITS

SLICE_S = 600
DRIFT_PER_C = 2.5e-4  # over 80 degrees: 2 %
STORM_CPS, STORM_HOLD_S = 6, 300  # parameters of the firmware; the solar event has five times that rate
_STORM_CPS = 30.0
_TOGETHER_NS = 2500  # pulses closer than this are in the same event
_ENERGIES = "min_kev = {}\nmax_kev = 11500\nthrough_fraction = 0.3"
_SOURCE = """
[[source]]
nuclide = "{nuclide}"
{rate}
detectors = "{detectors}"
tail_fraction = {tail_fraction:.4f}
tail_kev = {tail_kev:.1f}
{more}
"""


def source(seed: int, duration_s: float) -> ScenarioSource:
    """The scenario of a mission."""
    with tempfile.TemporaryDirectory(prefix="dorn-study-") as folder:
        path = Path(folder) / "mission.toml"
        path.write_text(text(seed, duration_s))
        return ScenarioSource.load(path)


def text(seed: int, duration_s: float) -> str:
    """The scenario in TOML."""
    draw = np.random.default_rng([seed, 7])

    def source(nuclide, rate, detectors="all", more=""):
        tail = {"tail_fraction": draw.uniform(0.05, 0.1), "tail_kev": draw.uniform(17, 23)}
        return _SOURCE.format(nuclide=nuclide, rate=rate, detectors=detectors, more=more, **tail)

    def bq(low, high):
        return f"activity_bq = {np.exp(draw.uniform(np.log(low), np.log(high))):.6f}"

    def plane(low, high):
        bq_per_cm2 = np.exp(draw.uniform(np.log(low), np.log(high)))
        return f"activity_bq_per_cm2 = {bq_per_cm2:.7f}\narea_cm2 = 6\nhalf_angle_deg = 60"

    decaying = "efficiency = 0.5\nchain = true"
    parts = [
        f"duration_s = {duration_s}",
        source("Po-209", bq(0.6, 1.0)),
        source("Po-210", bq(0.01, 0.03)),  # in the calibration source
        source("Po-210", bq(0.01, 0.05), more="efficiency = 0.5\ndecays = true"),  # on the detectors
        source("Pb-212", bq(0.1, 0.4), more=decaying),
        source("Po-210", plane(2e-3, 2e-2), "back"),
        source("Rn-222", plane(1e-3, 1e-2), "front"),
        source("Po-218", plane(5e-4, 5e-3)),
        source("Po-214", plane(5e-4, 5e-3)),
        source("Rn-220", bq(0.01, 0.1), more='followed_by = "Po-216"\nfollowed_fraction = 0.5'),
        f"[[background]]\nrate_cps = {draw.uniform(0.2, 1):.4f}\n" + _ENERGIES.format(600),
        "[head]",
        f"noise_kev = {draw.uniform(33, 42, 16).round(1).tolist()}",
        f"gain = {draw.normal(1, 0.006, 16).clip(0.985, 1.015).round(4).tolist()}",
        f"gain_per_c = {(-DRIFT_PER_C * draw.uniform(0.8, 1.2, 16)).round(7).tolist()}",
        f"temperature_c = [[0, {draw.uniform(-25, -15):.1f}], [{0.4 * duration_s:.0f}, {draw.uniform(0, 30):.1f}], "
        f"[{duration_s}, {draw.uniform(50, 60):.1f}]]",
    ]
    begin_s, end_s = storm_s(seed, duration_s)
    parts.insert(
        10,
        f"[[background]]\nprofile = [[{begin_s:.0f}, {_STORM_CPS}], [{end_s:.0f}, {_STORM_CPS}]]\npower = 2.2\n"
        + _ENERGIES.format(700),
    )
    return "\n".join(parts)


def storm_s(seed: int, duration_s: float) -> tuple[float, float]:
    """Start and end of the solar event of a mission."""
    draw = np.random.default_rng([seed, 6])
    begin_s = draw.uniform(0.1, 0.8) * duration_s
    return begin_s, begin_s + draw.uniform(3600, 3 * 3600)


def drawn(seed: int, duration_s: float, particles: int | None = None) -> SliceArrays:
    """The slices of a mission, drawn by the model of the simulated head, without the firmware: with integrations that
    coincide with slices, no dead time, and storm mode from the start of the event to STORM_HOLD_S after its end.
    particles: their seed, if other than that of the scenario."""
    particles = seed if particles is None else particles
    of = source(seed, duration_s)
    instrument = Dictionary.load().instrument
    front_end = FrontEnd.from_table(of.head, instrument)
    generator, channels = np.random.default_rng([particles, 8]), instrument["channels"]
    n = int(duration_s // SLICE_S)
    counts = np.zeros(n * DETECTORS * channels, np.int64)
    for times_ns, detectors, pulse_kev in _alone(of.pulses(seed=particles)):
        codes = front_end.codes(times_ns, detectors, pulse_kev, generator)
        of_slice = np.minimum((times_ns / (1e9 * SLICE_S)).astype(np.int64), n - 1)
        place = (of_slice * DETECTORS + detectors) * channels + codes // instrument["codes_per_channel"]
        counts += np.bincount(place, minlength=len(counts))
    start_s = SLICE_S * np.arange(n, dtype=float)
    begin_s, end_s = storm_s(seed, duration_s)
    storm = (start_s + SLICE_S > begin_s) & (start_s < end_s + STORM_HOLD_S)
    lived_s = np.full((n, SPECTRA), float(SLICE_S))
    default = Calibration.default(instrument)
    return SliceArrays(
        origin=np.zeros(n, np.uint16),
        start_s=start_s,
        length_s=np.array(float(SLICE_S)),
        begin_s=start_s,
        end_s=start_s + SLICE_S,
        real_s=lived_s,
        live_s=lived_s,
        mode=np.zeros(n, np.uint8),
        storm=storm.astype(np.uint8),
        phase=np.zeros(n, np.uint8),
        temperature_k=np.full((n, 2), np.nan),
        po_209_code=np.full((n, DETECTORS), np.nan),
        gain=np.ones((n, DETECTORS)),
        energy_kev=energies_kev(default, instrument, False),
        coincidence_energy_kev=energies_kev(default, instrument, True),
        counts=counts.reshape(n, DETECTORS, channels),
        coincidences=np.zeros((n, UNITS, COINCIDENCE_CHANNELS), np.int64),
    )


def _alone(chunks) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pulses that are alone in their event: only these are in the spectra of detectors."""
    for times_ns, detectors, pulse_kev in chunks:
        near = np.diff(times_ns) < _TOGETHER_NS
        alone = ~(np.append(near, False) | np.insert(near, 0, False))
        yield times_ns[alone], detectors[alone], pulse_kev[alone]
