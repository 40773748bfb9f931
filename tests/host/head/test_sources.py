"""Sources: real files against their published figures, streams against their statistics."""

import json
import math
from collections import Counter
from itertools import islice

import numpy as np
import pytest
from dorn.head import arrivals, sources
from dorn.util.checks import SourceError
from support.realdata import ONE_TO_ONE, lisbon_csv
from support.realdata import path as data
from support.source_texts import EVENTS, SCENARIO, SPE, SPECTRUM

KENTUCKY = (
    -5300 * 6.01 / 412.59,
    5300 / 412.59,
)  # the author's calibration, PROVENANCE.txt of po210-kentucky


# ---- real files ------------------------------------------------------------------------------------


def kentucky():
    expected = json.loads(data("po210-kentucky/EXPECTED_derived.json").read_text())
    return expected["spectra"]


def test_kentucky_files_match_their_derived_figures():
    files = kentucky()
    assert len(files) > 10
    for expected in files:
        source = sources.load(data("po210-kentucky") / expected["file"], KENTUCKY)
        assert source.total == expected["total_counts"]
        assert source.counts[10:].sum() == expected["counts_ch10_up"]
        assert source.duration_s == expected["real_s"]
        assert source.rate_cps == pytest.approx(expected["total_counts"] / expected["live_s"])
        peak = np.argmax(np.convolve(source.counts[10:], np.hamming(15), "same")) + 10
        assert abs(peak - expected["hamming15_peak_channel"]) <= 1


def test_kentucky_needs_the_authors_calibration_and_not_the_stored_one():
    file = data("po210-kentucky/datafiles/spectrum7.Spe")
    for calibration, right in ((KENTUCKY, True), (None, False)):
        source = sources.load(file, calibration)
        peak_kev = source.energies_kev[50:][np.argmax(source.counts[50:])]
        assert bool(abs(peak_kev - 5304.3) < 100) is right  # 7 torr of air absorb a few tens of keV


def test_kentucky_noise_channels_are_pulses_and_never_negative():
    source = sources.load(data("po210-kentucky/datafiles/spectrum7.Spe"), KENTUCKY)
    assert source.energies_kev[2] < 0 < source.counts[2]
    energies = [energy for _, _, energy in source.particles(rate_cps=1e5, seed=1, replay=True)]
    assert len(energies) == source.total
    assert min(energies) == 0.0
    assert min(energy for _, _, energy in source.particles(1e5, 1, seed=1)) == 0.0


def test_samples_of_becquerel():
    good = sources.load(data("spe/Mendocino_07-10-13_Acq-10-10-13.Spe"))
    assert len(good.counts) == 8192
    assert good.energies_kev[1000] == pytest.approx(378.444)
    assert good.duration_s == 595798
    for name in ("digibase_5min_30_1.spe", "nai_detector.spe"):  # stored as 0 0 0, and not stored
        with pytest.raises(SourceError, match=f"{name}: calibration: is missing; give --calibration"):
            sources.load(data(f"spe/{name}"))
        assert sources.load(data(f"spe/{name}"), (0, 3)).total > 10000
    assert len(sources.load(data("spe/SGM102432.spe"), (0, 3)).counts) == 4094


@pytest.mark.parametrize("calibration", [None, ONE_TO_ONE])
def test_lisbon_regions_survive_conversion_and_replay(tmp_path, calibration):
    path, regions = lisbon_csv(tmp_path, "2Cal.dat", calibration)
    source = sources.load(path)
    energies = np.array([energy for _, _, energy in source.particles(rate_cps=1000, seed=3, replay=True)])
    assert len(energies) == source.total
    for region in regions:
        inside = energies[(energies > region.low_kev) & (energies < region.high_kev)]
        assert len(inside) == region.gross
        # the MCA's centroid is that of the net peak: a narrow window contains little of the background
        near = inside[abs(inside - region.centroid_kev) < region.fwhm_kev]
        kev_per_channel = source.energies_kev[1] - source.energies_kev[0]
        assert np.mean(near) == pytest.approx(region.centroid_kev, abs=0.5 * kev_per_channel)


# ---- streams ---------------------------------------------------------------------------------------


def test_poisson_stream_has_poisson_rate_and_gaps_in_all_detectors(write):
    source = sources.load(write("s.csv", SPECTRUM))
    rows = list(source.particles(1000, 100, seed=5))
    times = np.array([time for time, _, _ in rows])
    assert abs(len(rows) - 100_000) < 5 * math.sqrt(100_000)
    assert times[0] >= 0 and times[-1] < 100e9
    gaps = np.diff(times)
    assert gaps.min() >= 0
    assert gaps.std() / gaps.mean() == pytest.approx(1, abs=0.02)  # exponential
    detectors = Counter(detector for _, detector, _ in rows)
    assert set(detectors) == set(range(16))
    assert all(abs(n - 6250) < 5 * math.sqrt(6250) for n in detectors.values())
    assert all(type(time) is int and type(detector) is int for time, detector, _ in rows[:10])


def test_energies_are_uniform_within_the_channel_and_follow_the_counts(write):
    source = sources.load(write("s.csv", SPECTRUM))
    energies = np.array([energy for _, _, energy in source.particles(1000, 100, seed=5)])
    low, high = energies[energies < 1005], energies[energies >= 1020]
    assert len(low) + len(high) == len(energies)  # nothing in the empty channel, 1005 to 1020
    assert len(low) / len(energies) == pytest.approx(0.3, abs=0.01)
    assert (low.min(), low.max()) == pytest.approx((995, 1005), abs=0.1)
    assert (high.min(), high.max()) == pytest.approx((1020, 1040), abs=0.1)
    assert high.mean() == pytest.approx(1030, abs=0.2)


def test_regular_stream_is_evenly_spaced(write):
    source = sources.load(write("s.csv", SPECTRUM))
    times = [time for time, _, _ in source.particles(1000, 2, seed=5, spacing="regular")]
    assert times == [500_000 + 1_000_000 * k for k in range(2000)]


@pytest.mark.parametrize("name, text", [("s.csv", SPECTRUM), ("s.toml", SCENARIO), ("e.csv", EVENTS)])
def test_particles_are_also_given_as_arrays(write, name, text):
    source = sources.load(write(name, text))
    rate_cps = None if name == "e.csv" else 500
    columns = zip(*source.pulses(rate_cps, 20, seed=9), strict=True)
    rows = zip(*(np.concatenate(column).tolist() for column in columns), strict=True)
    assert list(rows) == list(source.particles(rate_cps, 20, seed=9))


@pytest.mark.parametrize("name, text", [("s.csv", SPECTRUM), ("s.toml", SCENARIO)])
@pytest.mark.parametrize("spacing", ["poisson", "regular"])
def test_stream_depends_on_the_seed_alone(write, monkeypatch, name, text, spacing):
    source = sources.load(write(name, text))
    first = list(source.particles(500, 20, seed=9, spacing=spacing))
    monkeypatch.setattr(arrivals, "CHUNK", 7)
    assert list(source.particles(500, 20, seed=9, spacing=spacing)) == first
    assert list(source.particles(500, 20, seed=10, spacing=spacing)) != first
    # a longer run starts with the same particles
    assert list(islice(source.particles(500, 40, seed=9, spacing=spacing), len(first))) == first


def test_long_slow_stream_ends_and_never_overflows(write):
    source = sources.load(write("s.csv", SPECTRUM))
    assert list(source.particles(1e-300, 9e6, seed=1)) == []
    rows = list(source.particles(1e-3, 9e6, seed=1))
    assert 8000 < len(rows) < 10000
    assert rows[-1][0] < 9e15


def test_replay_plays_every_count_once_within_its_channel_or_at_its_centre(write, monkeypatch):
    source = sources.load(write("s.csv", SPECTRUM))
    monkeypatch.setattr(arrivals, "CHUNK", 4)
    rows = list(source.particles(rate_cps=10, seed=2, replay=True))
    energies = np.array([energy for _, _, energy in rows])
    assert np.sum((energies >= 995) & (energies < 1005)) == 3 and np.sum((energies >= 1020) & (energies < 1040)) == 7
    assert len(set(energies)) == len(rows) == 10
    assert [time for time, _, _ in rows] == sorted(time for time, _, _ in rows)
    assert rows != list(source.particles(rate_cps=10, seed=3, replay=True))
    assert source.plan(rate_cps=10, replay=True) == (10, 1.0)
    source.at_centres = True
    rows = list(source.particles(rate_cps=10, seed=2, replay=True))
    assert Counter(energy for _, _, energy in rows) == {1000.0: 3, 1030.0: 7}


def test_narrow_channels_make_a_comb_only_at_their_centres(write):
    """Flat counts in channels of 5 keV, seen in channels of 12 keV: at the centres, 2 or 3 of them in each; spread
    evenly, as many as chance has it."""
    rows = "".join(f"{1002.5 + 5 * n},1000\n" for n in range(240))
    source = sources.load(write("flat.csv", "energy_kev,counts\n" + rows))
    seen = {}
    for source.at_centres in (False, True):
        energies = [energy for _, _, energy in source.particles(rate_cps=1000, seed=1, replay=True)]
        assert len(energies) == 240_000
        seen[source.at_centres] = np.histogram(energies, np.arange(1000, 2200.1, 12))[0]
    # every count of a channel is played, so only those at the edges of the 12 keV vary, with less than Poisson's chance
    assert np.sum((seen[False] - 2400) ** 2 / 2400) < 1.5 * len(seen[False])
    assert set(seen[True]) == {2000, 3000}


def test_spe_has_its_own_rate_and_duration(write):
    source = sources.load(write("s.Spe", SPE))
    assert source.plan() == (1.2, 20)  # 12 counts in 10 s live
    assert source.plan(rate_cps=5, duration_s=3) == (5, 3)
    assert source.energies_kev.tolist() == [100, 150, 200, 250]
    assert sources.load(write("t.spe", SPE), (0, 12)).energies_kev.tolist() == [0, 12, 24, 36]
    mev = SPE.replace("100 50 0 keV", "0.1 0.05 0 MeV")
    assert sources.load(write("u.spe", mev)).energies_kev.tolist() == pytest.approx([100, 150, 200, 250])
    fit = SPE.replace("$MCA_CAL:\n3\n100 50 0 keV", "$ENER_FIT:\n10 2")
    assert sources.load(write("v.spe", fit)).energies_kev.tolist() == [10, 12, 14, 16]


def test_scenario_mixes_nuclides_background_and_crossing_particles(write):
    source = sources.load(write("s.toml", SCENARIO))
    assert source.head == {"noise_kev": 30, "anything": [1, 2]}
    assert source.rate_cps == pytest.approx(45, rel=1e-4)
    assert source.duration_s == 100
    rows = list(source.particles(duration_s=1000, seed=4))
    alphas = [row for row in rows if row[2] > 3000]
    assert abs(len(alphas) - 25000) < 5 * math.sqrt(25000)
    assert {energy for _, _, energy in alphas} <= {5304.33, 4516.58}
    assert {detector for _, detector, _ in alphas} == set(range(0, 16, 2))
    by_time = Counter(time for time, _, _ in rows)
    times = [time for time, n in by_time.items() if n == 2][:50]
    crossing = [[row for row in rows if row[0] == time] for time in times]
    assert abs(sum(n == 2 for n in by_time.values()) - 5000) < 5 * math.sqrt(5000)
    for (_, one, first_kev), (_, other, second_kev) in crossing:
        assert one ^ 1 == other
        assert first_kev != second_kev and 1000 <= min(first_kev, second_kev) <= max(first_kev, second_kev) < 2000


def test_scenario_scales_to_the_requested_rate(write):
    source = sources.load(write("s.toml", SCENARIO))
    rows = list(source.particles(rate_cps=4500, duration_s=10, seed=4))
    assert abs(sum(energy > 3000 for _, _, energy in rows) - 25000) < 5 * math.sqrt(25000)


def test_the_demo_is_about_a_minute_at_100_particles_a_second():
    source = sources.load(sources.DEMO)
    assert source.plan() == (pytest.approx(100, abs=1), 60)
    assert 30 <= source.head["noise_kev"] <= 40


def test_events_are_played_unchanged(write):
    source = sources.load(write("e.csv", EVENTS))
    rows = [(0, 0, 5000.0), (1500, 15, 100.0), (1500, 3, 200.5), (2_000_000_000, 1, 1.0)]
    assert list(source.particles(seed=1)) == rows
    assert list(source.particles(seed=2, duration_s=1)) == rows[:3]
    assert list(source.particles(duration_s=3)) == rows
    assert source.plan() == (None, 2.000000001)
    assert source.plan(duration_s=1) == (None, 1)


def test_comments_blank_lines_and_a_byte_order_mark_are_ignored(write):
    text = "\ufeff# from a lab\r\n\r\nenergy_kev, counts\r\n1000, 1\r\n\r\n1010, 2\r\n"
    assert sources.load(write("s.csv", text)).total == 3
