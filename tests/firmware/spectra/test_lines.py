"""Line regions and tracking of the Po-209 line: packet line_rates against the spectra on ground."""

import random

import pytest
from dorn.exports.lines import line_kev
from support.instrument import DICTIONARY, both_if_long, instrument, play

LINE_KEV = line_kev(DICTIONARY)
KEV = list(LINE_KEV.values())
PO_209_KEV = LINE_KEV["po_209"]
LINES, PARTS = 8, 8  # lines per detector; units of `centroid` per code
CODES = DICTIONARY.instrument["codes_per_channel"]


def channel(kev):
    """Channel of an energy with the default calibration of the dictionary."""
    instrument = DICTIONARY.instrument
    return int(kev / instrument["kev_per_code"] + instrument["zero_code"]) // CODES


def regions(spectra, below_kev=120, above_kev=60):
    """Counts in the 8 regions of each detector, from (detector, channel) -> counts."""
    bounds = [(channel(kev - below_kev), channel(kev + above_kev)) for kev in KEV]
    return [
        sum(n for (detector, c), n in spectra.items() if detector == d and first <= c <= last)
        for d in range(16)
        for first, last in bounds
    ]


def line_rates(i):
    i.command("report_structure", structure="science")
    return i.last("line_rates")


def sources(seed, n, spread_kev=30.0, detectors=range(16)):
    """n particles of each line and n between the lines, in every detector, in random order."""
    rng = random.Random(seed)
    energies = [rng.gauss(kev, spread_kev) for kev in KEV for _ in range(n)]
    energies += [rng.uniform(1000, 11000) for _ in range(8 * n)]
    particles = [(d, kev) for d in detectors for kev in energies]
    rng.shuffle(particles)
    return [(100_000 * k, d, kev) for k, (d, kev) in enumerate(particles, 1)]


def po_209(n, detectors=range(16), kev=PO_209_KEV):
    return [(100_000 * k, detectors[k % len(detectors)], kev) for k in range(1, n * len(detectors) + 1)]


@both_if_long
def test_regions_are_channel_sums_of_the_spectra_on_ground(where):
    with instrument(where) as i:
        i.set("tracking", 0)
        i.start()
        play(i, sources(1, 10))
        running = line_rates(i)["counts"]
        i.stop()
        expected = regions(i.counts())
        assert sum(expected) > 16 * 8 * 10 * 0.8
        assert running == line_rates(i)["counts"] == expected  # the same for running and closed spectra
        i.start()
        play(i, sources(2, 3))
        i.stop()
        assert line_rates(i)["counts"] == regions(i.counts()) != expected
        i.function("clear")
        assert line_rates(i)["counts"] == [0] * 128


def test_the_parameters_set_the_width_of_the_regions():
    with instrument("unix") as i:
        i.set("tracking", 0)
        i.set("line_below", 300)
        i.set("line_above", 24)
        i.start()
        play(i, sources(3, 5))
        i.stop()
        assert line_rates(i)["counts"] == regions(i.counts(), 300, 24) != regions(i.counts())


def test_region_counts_wrap_modulo_2_to_16():
    """A counter that wraps does not affect the other lines."""
    with instrument("unix") as i:
        i.set("tracking", 0)
        i.set("line_below", 500)
        i.set("line_above", 500)
        i.start()
        # spread over 20 channels, so that none is full
        play(i, ((20_000 * k, 5, 5150.0 + 12 * (k % 20)) for k in range(1, 66_001)))
        i.stop()
        expected = regions(i.counts(), 500, 500)
        assert max(expected) > 65_536
        assert line_rates(i)["counts"] == [n % 65_536 for n in expected]


@both_if_long
def test_the_centroid_follows_a_head_whose_gain_is_off(where):
    """Gain 1 % high in front and 1 % low in back detectors; the code of 0 keV is unchanged."""
    gain = tuple(1.01 if d % 2 == 0 else 0.99 for d in range(16))
    with instrument(where, gain=gain) as i:
        i.start()
        play(i, po_209(110))
        before = line_rates(i)
        assert before["tracked"] == 0 and before["centroid"] == [0] * 16  # tracking needs a closed spectrum
        i.stop()
        f = line_rates(i)
        zero, per_code = DICTIONARY.instrument["zero_code"], DICTIONARY.instrument["kev_per_code"]
        for d in range(16):
            true = PO_209_KEV * gain[d] / per_code + zero
            assert abs(f["centroid"][d] / PARTS - true) <= CODES / 2 + 1, d  # a line of one channel
        assert f["tracked"] == 0xFFFF


def test_the_centroid_of_a_broad_line_is_resolved_to_a_fraction_of_a_code():
    rng = random.Random(6)
    energies = [rng.gauss(1.01 * PO_209_KEV, 15.0) for _ in range(1500)]
    with instrument("unix") as i:
        i.start()
        play(i, ((100_000 * k, 2, kev) for k, kev in enumerate(energies, 1)))
        i.stop()
        counts = {c: n for (d, c), n in i.counts().items() if d == 2}
        mean = sum(n * (CODES * c + (CODES - 1) / 2) for c, n in counts.items()) / sum(counts.values())
        assert line_rates(i)["centroid"][2] / PARTS == pytest.approx(mean, abs=2)  # the window is around the default
        assert [d for d, centroid in enumerate(line_rates(i)["centroid"]) if centroid] == [2]


def test_regions_follow_the_line_and_stored_spectra_do_not():
    """A Po-214 line 77 keV too high is outside its region until the Po-209 line has given the gain."""
    gain = (1.01,) + (1.0,) * 15
    po_214 = KEV.index(LINE_KEV["po_214"])
    with instrument("unix", gain=gain) as i:
        i.start()
        play(i, po_209(200, (0, 1)))
        i.stop()
        i.function("clear")
        i.received.clear()
        i.start()
        play(i, [(1_000_000 * k, k % 2, KEV[po_214]) for k in range(1, 101)])
        found = {}
        for tracking in (1, 0, 1):
            i.set("tracking", tracking)
            f = line_rates(i)
            found[tracking] = f["counts"][po_214], f["counts"][LINES + po_214], f["tracked"]
        assert found == {1: (50, 50, 0b11), 0: (0, 50, 0)}
        i.stop()
        channels = {d: c for d, c in i.counts()}
        assert channels[0] == int(1.01 * KEV[po_214] / 3 + 50) // 4 and channels[1] == channel(KEV[po_214])


@pytest.mark.parametrize(
    "what, particles",
    [
        ("too few counts", po_209(40, (0,))),
        ("another line, 8 % away", po_209(300, (0,), PO_209_KEV * 1.08)),
        ("nothing", []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_counts_do_not_move_the_regions(what, particles):
    with instrument("unix") as i:
        i.start()
        play(i, particles)
        i.stop()
        f = line_rates(i)
        assert f["centroid"] == [0] * 16 and f["tracked"] == 0
        assert f["counts"] == regions(i.counts())
