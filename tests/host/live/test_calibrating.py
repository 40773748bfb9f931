"""Calibration by two clicks: the file equals that of `dorn calibrate`, and no file of others is replaced."""

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.models import ColumnDataSource
from dorn import nuclides
from dorn.analysis import energy_scale
from dorn.analysis.calibration import Calibration, channel_edges
from dorn.live.calibrating import fitted, peak_kev
from dorn.live.curves import CURVES, curve
from dorn.live.player import Player
from dorn.live.shared import Shared
from dorn.live.style import fill
from dorn.products.spectra import Spectrum
from support.products import DICTIONARY, packet

INSTRUMENT = DICTIONARY.instrument
NAMES = ["Po-209", "Po-214"]


def lines(kev_per_code, zero, fwhm_kev=40.0, counts=4000):
    """A spectrum with the main lines of NAMES."""
    generator = np.random.default_rng(7)
    seen = np.zeros(INSTRUMENT["channels"], np.int64)
    for name in NAMES:
        for energy_kev, part in nuclides.lines(name):
            energies_kev = generator.normal(energy_kev, fwhm_kev / 2.3548, round(part * counts))
            seen += np.histogram(energies_kev / kev_per_code + zero, channel_edges(INSTRUMENT))[0]
    return seen


@pytest.fixture
def shared(tmp_path):
    player = Player(tmp_path / "telemetry.ccsds", DICTIONARY)
    player.path.write_bytes(packet("housekeeping", unique_id=0xABC).octets)
    player.begin()
    while player.is_playing:
        player.step()
    return Shared("test", player, Calibration.default(INSTRUMENT))


def clicked(counts, number, calibration, off_kev=60.0):
    """Energies at which clicks beside the lines find them, on the axis of a detector."""
    shown = curve(f"detector {number}", {number: Spectrum(counts)}, calibration, INSTRUMENT)
    codes = [nuclides.main_kev(name) / 3.15 + 41.0 for name in NAMES]
    return [
        (name, peak_kev(shown, float(calibration.energy_kev(code, number)) + off_kev))
        for name, code in zip(NAMES, codes, strict=True)
    ]


def test_two_clicks_find_the_scale_that_dorn_calibrate_finds(shared):
    counts = lines(3.15, 41.0)
    scales, faults = fitted({3: counts}, clicked(counts, 3, shared.calibration), NAMES, shared.calibration, INSTRUMENT)
    expected = energy_scale.calibrate(counts, channel_edges(INSTRUMENT), NAMES, 3.15, 41.0)
    assert not faults
    assert scales[3].kev_per_unit == pytest.approx(expected.kev_per_unit, rel=1e-6)
    assert scales[3].zero == pytest.approx(expected.zero, abs=1e-3)
    assert "saved in" in shared.use(scales, NAMES)
    found = Calibration.load(shared.player.path.parent / "calibration.toml", INSTRUMENT)
    assert found.kev_per_code[3] == pytest.approx(3.15, rel=1e-3)
    assert found.boards == ("0000000000000abc",)
    np.testing.assert_allclose(found.kev_per_code, shared.calibration.kev_per_code, rtol=1e-11)  # digits in the file
    np.testing.assert_allclose(found.covariance, shared.calibration.covariance, rtol=1e-6)


def test_clicks_on_a_calibrated_axis_find_the_same_scale(shared):
    counts = lines(3.15, 41.0)
    first, _ = fitted({3: counts}, clicked(counts, 3, shared.calibration), NAMES, shared.calibration, INSTRUMENT)
    shared.use(first, NAMES)
    again, _ = fitted({3: counts}, clicked(counts, 3, shared.calibration, 0), NAMES, shared.calibration, INSTRUMENT)
    assert again[3].kev_per_unit == pytest.approx(first[3].kev_per_unit, rel=1e-6)


def test_a_file_of_someone_else_stays(shared):
    path = shared.player.path.parent / "calibration.toml"
    path.write_text("mine")
    counts = lines(3.15, 41.0)
    scales, _ = fitted({3: counts}, clicked(counts, 3, shared.calibration), NAMES, shared.calibration, INSTRUMENT)
    assert "not replaced" in shared.use(scales, NAMES)
    assert path.read_text() == "mine"
    assert shared.calibration.kev_per_code[3] == scales[3].kev_per_unit


def test_detectors_calibrated_one_after_another_are_all_in_the_file(shared):
    counts = lines(3.15, 41.0)
    clicks = clicked(counts, 3, shared.calibration)
    scales, _ = fitted({3: counts, 4: counts}, clicks, NAMES, shared.calibration, INSTRUMENT)
    shared.use({3: scales[3]}, NAMES)
    shared.use({4: scales[4]}, NAMES)
    found = Calibration.load(shared.player.path.parent / "calibration.toml", INSTRUMENT)
    assert found.kev_per_code[3] == found.kev_per_code[4] == pytest.approx(3.15, rel=1e-3)


def test_a_page_that_is_read_only_writes_nothing(shared):
    shared.may_write = False
    counts = lines(3.15, 41.0)
    scales, _ = fitted({3: counts}, clicked(counts, 3, shared.calibration), NAMES, shared.calibration, INSTRUMENT)
    assert "not saved" in shared.use(scales, NAMES)
    assert not (shared.player.path.parent / "calibration.toml").exists()


def test_clicks_in_the_wrong_order_are_refused(shared):
    counts = lines(3.15, 41.0)
    (first, low), (second, high) = clicked(counts, 3, shared.calibration)
    scales, faults = fitted({3: counts}, [(first, high), (second, low)], NAMES, shared.calibration, INSTRUMENT)
    assert not scales and "order" in faults[3]


def test_every_spectrum_has_a_curve():
    assert set(range(24)) == {number for numbers in CURVES.values() if len(numbers) == 1 for number in numbers}


def test_nothing_is_saved_beside_an_archive_that_is_deleted_at_the_end(tmp_path):
    shared = Shared(
        "test", Player(tmp_path / "telemetry.ccsds", DICTIONARY), Calibration.default(INSTRUMENT), is_temporary=True
    )
    assert "not saved, as nothing is without --out DIR" in shared.use({}, NAMES)
    assert not list(tmp_path.iterdir())


def test_columns_without_values_stay_lists():
    """The browser refuses an array of numbers as colours."""
    source = ColumnDataSource()
    Document().add_root(source)
    fill(source, color=[], x=[])
    assert source.data == {"color": [], "x": []}
    fill(source, color=["red"], x=[1.0])
    assert source.data["color"] == ["red"] and source.data["x"].tolist() == [1.0]
