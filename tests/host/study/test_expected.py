"""Damaged EXPECTED files: every reader names file, field and value in one line."""

import copy
import json

import numpy as np
import pytest
import uproot
from dorn.errors import UserError
from dorn.study import Report, measured, time_stamps, two_sources
from dorn.util.tables import Table
from hypothesis import given, settings
from hypothesis import strategies as st

STRIPS = measured._LEUVEN_BINS
ROOT = "triple-alpha-leuven/DSSD_3178-17_Front_80V.root"
STRIP = {"total": 4, "centroids": [17000.0, 18000.0, 19000.0], "fwhm_keV": [30.0, 31.0, 32.0]}
COLOGNE = {"file": "a.spa", "total": 5, "author_hdtv_fit": "410  10450.6(1.2)  5486.1(6)  6.70(8)  61.9(1.2)"}
MILANO = {"file": "2_a.Chn", "total": 5, "peaks": [{"centroid": 3.0, "fwhm": 1.0}, {"centroid": 9.0, "fwhm": 1.0}]}
KENTUCKY = {"file": "a.Spe", "total_counts": 5, "counts_ch10_up": 5, "hamming15_peak_channel": 11}
KENTUCKY["pressure_torr_from_name"] = 7
RATES = {"Ba133_cps": 6165.7, "Eu152_cps": 3586.6, "both_cps": 9067.8, "bg_cps": 4.3}
RATES |= {"dead_time_with_bg_us": 16.66, "dead_time_no_bg_us": 16.75, "lost_cps": 684, "loss_fraction": 0.07}
RUN = {"run": "a", "dead_time_ms": 5.0, "slope_rate_cps": 40.0, "corrected_cps": 40.0}
# reader -> its EXPECTED file, the contents, and the call
READERS = {
    "strips": (
        "triple-alpha-leuven/EXPECTED_derived_DSSD_3178-17_Front_80V.json",
        {"strips": [STRIP] * 16},
        lambda folder, report: measured.strips(folder),
    ),
    "cologne": (
        "am241-cologne/EXPECTED_derived.json",
        {"spectra": [COLOGNE]},
        lambda folder, report: measured.read(folder, "am241-cologne", "a.spa"),
    ),
    "milano": (
        "am241-milano/EXPECTED_derived.json",
        {"spectra": [MILANO | {"file": "a/b/2_a.Chn"}]},
        lambda folder, report: measured.read(folder, "am241-milano", "a/b/2_a.Chn"),
    ),
    "kentucky": (
        "po210-kentucky/EXPECTED_derived.json",
        {"spectra": [KENTUCKY]},
        lambda folder, report: measured.read(folder, "po210-kentucky", "a.Spe"),
    ),
    "two sources": (
        "deadtime-two-source/EXPECTED_from_authors_test.json",
        RATES,
        lambda folder, report: two_sources.judge(report, folder),
    ),
    "intervals": (
        "geiger-times/EXPECTED_derived.json",
        {"runs": [RUN, RUN]},
        lambda folder, report: time_stamps.judge(report, folder),
    ),
}
COUNTS_ALONE = ("cologne", "milano", "kentucky")  # read without figures, too
MAY_BE_NULL = ("author_hdtv_fit", "pressure_torr_from_name")
MAY_BE_NEGATIVE = ("lost_cps", "loss_fraction", "pressure_torr_from_name")  # valid, though unlikely


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Small sets that all readers accept."""
    folder = tmp_path_factory.mktemp("sets")
    (folder / "triple-alpha-leuven").mkdir()
    with uproot.recreate(folder / ROOT) as file:
        for i in range(16):
            file[f"h{i}"] = np.histogram([17000, 17000, 18000, 19000], np.arange(STRIPS + 1))
    write(folder / "am241-cologne/a.spa", "2\n0\n3\n")
    counts = np.array([1] * 5 + [0] * 11, "<u4").tobytes()
    header = np.array([-1, 1, 1], "<i2").tobytes() + b"00" + np.array([50, 50], "<i4").tobytes()
    header += b"01JAN231" + b"0000" + np.array([0, 16], "<i2").tobytes()
    write(folder / "am241-milano/a/b/2_a.Chn", header + counts)
    write(folder / "am241-milano/a/elaborated_data.txt", "2 30 1 20 1\n")
    write(folder / "po210-kentucky/a.Spe", "$DATA:\n0 15\n" + "0\n" * 11 + "5\n" + "0\n" * 4)
    write(folder / "po210-kentucky/table1.txt", "0 5.3\n1 5.0\n")
    for name, counts in (("Ba133_a", 61000), ("Eu152_b", 35000), ("Ba133_a+Eu152_b", 90000), ("../bg", 40)):
        point = f"<EnergySpectrum><MeasurementTime>10</MeasurementTime><DataPoint>{counts}</DataPoint></EnergySpectrum>"
        (folder / "deadtime-two-source/Ba133_Eu152").mkdir(parents=True, exist_ok=True)
        content = f"<ResultDataFile><ResultData>{point}</ResultData></ResultDataFile>"
        write(folder / "deadtime-two-source/Ba133_Eu152" / f"{name}.xml", content)
    stamps = np.cumsum(0.005 + np.random.default_rng(1).exponential(1 / 40, 2000))
    write(folder / "geiger-times/a/data.csv", "time\n" + "\n".join(map(str, stamps)))
    rows = (("sample_6", 9000), ("sample_7", 9000), ("sample_6_7", 17000), ("no_sample", 100))
    table = "".join(f"{name}\t500\t300\t{counts}\n" for name, counts in rows)
    write(folder / "geiger-times/short_measurements.csv", "sample_name\tvoltage\tseconds\tcount\n" + table)
    return folder


@pytest.fixture(scope="module")
def report(folder):
    return Report("any", folder / "out")


def fields(node, way=()):
    """The path to every value in a document; in lists, to the first element only."""
    for key, value in node.items() if isinstance(node, dict) else list(enumerate(node))[:1]:
        yield (*way, key)
        if isinstance(value, dict | list):
            yield from fields(value, (*way, key))


def changed(document, way, value):
    """The document with another value at `way`, or without it if the value is `...`."""
    document = copy.deepcopy(document)
    inner = document
    for key in way[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[way[-1]]
    else:
        inner[way[-1]] = value
    return document


@pytest.mark.parametrize("name", READERS)
def test_undamaged_files_are_read(folder, report, name):
    path, document, call = READERS[name]
    write(folder / path, json.dumps(document))
    call(folder, report)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("value", [..., None, True, "x", -1, [], {}, float("nan")], ids=str)
def test_every_damaged_field_is_named(folder, report, name, value):
    path, document, call = READERS[name]
    for way in fields(document):
        if (value is None and way[-1] in MAY_BE_NULL) or (value == -1 and way[-1] in MAY_BE_NEGATIVE):
            continue
        if way == ("runs", 0) and value is ...:
            continue  # the other run is left
        if name in COUNTS_ALONE and (way[-1], value) in ((0, ...), ("file", "x"), ("spectra", [])):
            continue  # no figures of this file: its counts are compared all the same
        write(folder / path, json.dumps(changed(document, way, value)))
        with pytest.raises(UserError) as error:
            call(folder, report)
        message = str(error.value)
        assert len(message.splitlines()) == 1 and message.startswith(str(folder)), message
        # a changed name of a run or a file leads to another file, or to none
        if way[-1] not in ("run", "file", "author_hdtv_fit"):
            key = next(key for key in reversed(way) if isinstance(key, str))
            assert message.startswith(str(folder / path)) and f"{key}" in message, message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["strips", "spectra", "runs", "file", "run", "Ba133_cps"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(st.sampled_from(list(READERS)), JSON.map(json.dumps) | st.text() | st.just("[" * 100_000) | st.binary())
def test_any_invalid_file_gives_a_one_line_error(folder, report, name, content):
    path, _, call = READERS[name]
    write(folder / path, content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
    try:
        call(folder, report)
    except UserError as error:
        assert str(error).startswith(str(folder / path)) and len(str(error).splitlines()) == 1
    else:  # figures, but none of this file
        assert name in COUNTS_ALONE or "runs" in str(content)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"EXPECTED\.json: file: cannot be read: No such file"):
        Table.read(tmp_path / "EXPECTED.json")


# ---- the histograms of the strips ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(folder):
    return (folder / ROOT).read_bytes()


@settings(max_examples=100)
@given(st.data())
def test_a_damaged_root_file_gives_a_one_line_error(folder, whole, data):
    path, document, _ = READERS["strips"]
    write(folder / path, json.dumps(document))
    if data.draw(st.booleans()):
        content = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        at = data.draw(st.integers(0, len(whole) - 1))
        content = whole[:at] + data.draw(st.binary(min_size=1, max_size=20)) + whole[at + 1 :]
    write(folder / ROOT, content)
    try:
        strips = measured.strips(folder)
    except UserError as error:
        assert str(error).startswith(str(folder / ROOT)) and len(str(error).splitlines()) == 1
    else:
        assert len(strips) == 16 and all((strip.counts >= 0).all() for strip in strips)
    finally:
        write(folder / ROOT, whole)


@pytest.mark.parametrize(
    ("bins", "weight", "message"),
    [(10, 1, "h0: not 25000 bins ((10,))"), (STRIPS, -1, "h0: not a whole number of counts (-1.0)")],
)
def test_invalid_histograms_are_named(folder, whole, bins, weight, message):
    write(folder / READERS["strips"][0], json.dumps(READERS["strips"][1]))
    with uproot.recreate(folder / ROOT) as file:
        for i in range(16):
            file[f"h{i}"] = np.histogram([5], np.arange(bins + 1), weights=[weight])
    try:
        with pytest.raises(UserError) as error:
            measured.strips(folder)
    finally:
        write(folder / ROOT, whole)
    assert message in str(error.value)
