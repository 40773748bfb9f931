"""A PDS4 bundle, checked by the schema, the Schematron and pds4_tools."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pds4_tools
import pytest
import xmlschema
from dorn import cli
from dorn.files import pds4
from dorn.products.exchange import NAMES
from hypothesis import given, settings
from hypothesis import strategies as st
from support.data import data
from support.exported import CHANNELS, archive, counts
from support.schematron import failures

LABELS = sorted(
    ["bundle.xml", "data_derived/nuclides.xml"]
    + [f"{level}/collection_{level}.xml" for level in pds4.LEVELS]
    + [f"data_raw/{name}.xml" for name in ("spectra", "coincidences", "rates", "housekeeping", "reports")]
    + [f"data_calibrated/{name}.xml" for name in ("spectra_rate", "coincidences_rate", "events")]
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pds4")
    path = archive(folder / "run")
    assert cli.main(["export", str(path), "--format", "pds4", "--out", str(folder)]) == 0
    return folder / "pds4"


@pytest.fixture(scope="module")
def check():
    """check(label) -> errors of its schema, and failed assertions of its Schematron."""
    schema = xmlschema.XMLSchema(data("pds4", "schema", "1Q00", "PDS4_PDS_1Q00.xsd"))
    rules = data("pds4", "schema", "1Q00", "PDS4_PDS_1Q00.sch")

    def check(label: Path) -> tuple[list, list]:
        fired, failed = failures(rules, label)
        assert fired > 20
        return [str(error.reason) for error in schema.iter_errors(label)], failed

    return check


def labels_of(bundle):
    return sorted(path.relative_to(bundle).as_posix() for path in bundle.rglob("*.xml"))


def test_every_label_of_a_whole_run_conforms(tmp_path, check):
    assert cli.main(["demo", "--target", "unix", "--out", str(tmp_path / "run")]) == 0
    assert cli.main(["export", str(tmp_path / "run"), "--format", "pds4", "--out", str(tmp_path)]) == 0
    labels = labels_of(tmp_path / "pds4")
    assert labels == LABELS
    assert {label: check(tmp_path / "pds4" / label) for label in labels} == dict.fromkeys(labels, ([], []))
    for label in labels:
        if not label.rpartition("/")[2].startswith(("collection", "bundle")):
            assert len(read(tmp_path / "pds4" / label).fields[0])


def test_tables_without_records_are_left_out(bundle, check):
    labels = labels_of(bundle)
    assert set(LABELS) - set(labels) >= {"data_raw/rates.xml", "data_calibrated/events.xml"}
    assert {label: check(bundle / label) for label in labels} == dict.fromkeys(labels, ([], []))


def test_labels_of_an_archive_without_dates_conform(tmp_path, check):
    path = archive(tmp_path / "run", with_run=False)
    assert cli.main(["export", str(path), "--format", "pds4", "--out", str(tmp_path)]) == 0
    for name in ("bundle.xml", "data_raw/spectra.xml"):
        assert check(tmp_path / "pds4" / name) == ([], [])
        assert 'nilReason="unknown"' in (tmp_path / "pds4" / name).read_text()
    assert "UTC unknown" in (tmp_path / "pds4" / "data_raw" / "spectra.xml").read_text()


@pytest.mark.parametrize(
    ("label", "good", "bad", "by_schema"),
    [
        ("data_raw/spectra.xml", "<records>16</records>", "<records>many</records>", True),
        ("data_raw/spectra.xml", "<offset unit=", "<place unit=", True),
        ("data_raw/spectra.xml", "<groups>1<", "<groups>2<", False),
        ("data_raw/spectra.xml", "<data_type>ASCII_Real<", "<data_type>Real<", False),
        ("data_raw/spectra.xml", "<processing_level>Raw<", "<processing_level>Rare<", False),
        ("data_raw/spectra.xml", "<type>Equipment<", "<type>Detector<", False),
        ("data_raw/spectra.xml", "data_to_investigation", "bundle_to_investigation", False),
        ("data_raw/collection_data_raw.xml", "<field_number>1<", "<field_number>7<", False),
        ("bundle.xml", "bundle_has_data_collection", "bundle_has_collections", False),
    ],
)
def test_a_broken_label_fails(bundle, check, tmp_path, label, good, bad, by_schema):
    text = (bundle / label).read_text()
    assert good in text
    text = text.replace(good, bad, 1)
    text = text.replace("</offset>", "</place>", 1) if "place" in bad else text
    (tmp_path / "broken.xml").write_text(text)
    errors, failed = check(tmp_path / "broken.xml")
    assert errors if by_schema else failed


def read(label: Path):
    """The table described by a label."""
    found = pds4_tools.read(str(label), quiet=True, lazy_load=False)
    (table,) = (one for one in found if one.is_table())
    return table


def group(table, name: str, n: int, kind: type) -> np.ndarray:
    """[records, n]: a group of fields."""
    fields = [field for field in table.fields if field.meta_data["name"].endswith(name)]
    whole = np.array(fields[0]) if len(fields) == 1 else np.stack([np.array(field) for field in fields], 1)
    return whole.reshape(-1, n).astype(kind)


def test_pds4_tools_reads_the_same_spectra(bundle):
    for name, size, numbers in (("spectra", CHANNELS, range(16)), ("coincidences", 256, range(16, 24))):
        raw = read(bundle / "data_raw" / f"{name}.xml")
        assert [str(one).strip() for one in raw["spectrum"]] == [NAMES[n] for n in numbers]
        found = group(raw, "count", size, int)
        live_s = [(59_000_100 + n if n < 16 else 58_000_100 + n - 16) / 1e6 for n in numbers]
        assert np.array(raw["live_s"], float).tolist() == live_s
        assert set(np.array(raw["real_s"], float).tolist()) == {60.0004}
        assert {str(one).strip() for one in raw["start_utc"]} == {"2026-01-31T12:00:00.500Z"}
        rates = read(bundle / "data_calibrated" / f"{name}_rate.xml")
        assert set(np.array(rates["first_kev"], float).tolist()) == {-145.5 if size == CHANNELS else -103.5}
        found_rates = group(rates, "rate", size, float)
        for row, n in enumerate(numbers):
            assert (found[row] == counts(n, size)).all()
            assert found_rates[row] == pytest.approx(counts(n, size) / live_s[row], rel=1e-6)


def test_every_table_is_read_and_its_file_is_that_of_the_label(bundle):
    for label in bundle.rglob("*.xml"):
        text = label.read_text()
        if "File_Area" not in text:
            continue
        content = label.with_suffix(".csv").read_bytes()
        assert f"<md5_checksum>{hashlib.md5(content).hexdigest()}<" in text
        assert f">{len(content)}</file_size>" in text
        if "Product_Observational" in text:
            records = int(re.search(r"<records>(\d+)<", text)[1])
            assert records == content.count(b"\n") - 1 == len(read(label).fields[0])


def test_inventories_name_every_product(bundle):
    for level in {path.parent.name for path in bundle.glob("*/*.xml")}:
        lines = (bundle / level / f"collection_{level}.csv").read_text().splitlines()
        names = {path.stem for path in (bundle / level).glob("*.xml")} - {f"collection_{level}"}
        assert {line.split(":")[-3] for line in lines} == names
        assert all(line.startswith(f"P,urn:nasa:pds:dorn_fsw:{level}:") and line.endswith("::1.0") for line in lines)


VALUES = st.tuples(
    st.integers(-(2**40), 2**40),
    st.floats(-1e12, 1e12) | st.just(float("nan")),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12),
    st.integers(0, 2**31),
    st.integers(0, 2**31),
)
FIELDS = [pds4.Field(*one) for one in (("a", pds4.INTEGER), ("b", pds4.REAL), ("c", pds4.TEXT))]
FIELDS.append(pds4.Field("d", pds4.INTEGER, repeated=2))
ABOUT = pds4.Bundle("some", "title", "instrument", "about", "seen", None, None, 2026)


@settings(max_examples=40)
@given(st.lists(VALUES, min_size=1, max_size=5))
def test_any_table_is_read_as_it_was(scratch, rows):
    table = pds4.Table("data_raw", "any", "title", "about", FIELDS, rows)
    for name, content in pds4.files(ABOUT, [table]).items():
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        (scratch / name).write_bytes(content)
    found = read(scratch / "data_raw" / "any.xml")
    assert np.array(found["a"]).tolist() == [row[0] for row in rows]
    reals = [
        float(one) if str(one).strip() not in ("", "--") else float("nan") for one in np.ma.filled(found["b"], np.nan)
    ]
    assert np.array_equal(reals, [row[1] for row in rows], equal_nan=True)
    texts = [" ".join(row[2].replace('"', "'").split()) for row in rows]
    assert [str(one).strip() for one in found["c"]] == texts
    assert group(found, "d", 2, int).tolist() == [list(row[3:]) for row in rows]
