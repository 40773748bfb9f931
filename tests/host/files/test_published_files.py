"""Published files have the totals, times and starts of their provenance."""

import json

import pytest
from dorn.files import spectrum
from dorn.util.checks import SourceError
from support.data import data


def test_published_files_have_their_totals_and_times():
    expected = json.loads(data("am241-cologne", "EXPECTED_derived.json").read_text())["spectra"]
    for one in expected:
        (found,) = spectrum.read(data("am241-cologne", one["file"])).values()
        assert found.counts.sum() == one["total"] and len(found.counts) == 16384
        assert found.live_s == pytest.approx(30, rel=0.03) and found.live_s < found.real_s
    lisbon = {"1Cal": (90, "08:34:27"), "2Cal": (480, "08:59:24"), "Prateleira_4_c_vacuo": (480, "09:39:55")}
    for name, (seconds, start) in lisbon.items():
        (found,) = spectrum.read(data("am241-lisbon", f"{name}.dat")).values()
        assert found.live_s == seconds and str(found.start) == f"2023-06-05 {start}" and len(found.counts) == 1024
    for name, rate_cps in (("Ba133_a", 692), ("Eu152_b", 481), ("Ba133_a+Eu152_b", 1156)):
        (found,) = spectrum.read(data("deadtime-two-source", "Ba133_Eu152", f"{name}.xml")).values()
        assert found.real_s == 300 and found.counts.sum() / 300 == pytest.approx(rate_cps, abs=1)
    (found,) = spectrum.read(data("n42", "data_am241.n42")).values()
    assert found.counts.sum() == 306058 and found.real_s == found.live_s == 613
    with pytest.raises(SourceError, match=r"data_invalid.n42: spectrum: none in the file"):
        spectrum.read(data("n42", "data_invalid.n42"))
    strip = spectrum.read(
        data("triple-alpha-leuven", "strips_csv", "DSSD_3178-17_Front_80V_strip05_rebin4_from14000.csv")
    )
    assert next(iter(strip.values())).counts.sum() == 14319


def test_iec_as_becquerel_reads_it():
    import becquerel

    path = data("spe", "hpge_dummy_test_01.iec")
    with pytest.warns(becquerel.parsers.BecquerelParserWarning, match="more than 2048"):
        other = becquerel.Spectrum.from_file(path)
    (one,) = spectrum.read(path).values()
    assert one.counts.tolist() == other.counts_vals.tolist() and (one.live_s, one.real_s) == (3564, 3600)
    assert one.coefficients == (-1.55656e-2, 0.8, -2.97939e-8, 0.0) and one.start == other.start_time
