"""Files of the event list have the content of its arrays."""

import io
import zipfile

import numpy as np
from dorn.analysis.event_table import EventTable
from dorn.products import event_files
from dorn.products.event_files import CLASSES
from dorn.products.products import EVENTS_CSV
from hypothesis import given, settings
from support.event_lists import check_same, event, listing, lists, mark
from support.products import ORIGIN, products, rows


def table_of(*packets):
    return products(*packets).events


@settings(max_examples=30)
@given(lists())
def test_events_csv_has_a_row_for_each_event(packets):
    table = table_of(*packets, listing(mark(5, 0, 1) + event(6, {4: 1000}), 10_000_000, 100, origin=7))
    heading, *lines = b"".join(event_files.csv(table)).decode().splitlines()
    assert heading == "origin,time_s,class,detectors,codes,energies_kev"
    assert len(lines) == len(table)
    energies_kev = table.energy_kev.tolist()
    first = [*table.first.tolist(), len(table.codes)]
    for n, line in enumerate(lines):
        origin, time_s, event_class, detectors, codes, energies = line.split(",")
        assert int(origin) == table.origin[n]
        assert int(time_s.replace(".", "")) == table.time_us[n] and time_s[-7] == "."
        assert event_class == CLASSES[table.event_class[n]]
        assert sum(1 << int(d) for d in detectors.split("+")) == table.hits[n]
        some = slice(first[n], first[n + 1])
        assert [int(code) for code in codes.split("+")] == table.codes[some].tolist()
        found = [float(energy) for energy in energies.split("+")]
        assert str(found) == str(energies_kev[some]), "also nan"


def npz(table) -> bytes:
    with io.BytesIO() as file:
        event_files.write_npz(file, table)
        return file.getvalue()


def test_events_csv_does_not_depend_on_the_size_of_its_pieces(monkeypatch):
    words = mark(0, 1, 1) + [word for n in range(1, 50) for word in event(1000 * n, {1: n, 3: n} if n % 7 else {5: n})]
    table = table_of(*(listing(words, 10**8 + 10**5 * n, 60_000) for n in range(5)))
    assert len(table) == 5 * 49
    whole = b"".join(event_files.csv(table))
    monkeypatch.setattr(event_files, "_ROWS", 10)
    assert b"".join(event_files.csv(table)) == whole


def test_times_before_the_clock_began_are_negative():
    """The time stamps of a damaged packet may be negative."""
    words = [
        word for stamp in (9_000_000, 9_400_000, 9_999_999, 10_500_000, 11_000_001) for word in event(stamp, {0: 5})
    ]
    table = table_of(listing(mark(8_000_000, 0, 1) + words, 2_000_000, 12_000_000))
    text = b"".join(event_files.csv(table)).decode().splitlines()[1:]
    assert [line.split(",")[1] for line in text] == ["-1.000000", "-0.600000", "-0.000001", "0.500000", "1.000001"]


@settings(max_examples=30)
@given(lists())
def test_events_npz_has_the_arrays(packets):
    table = table_of(*packets)
    content = io.BytesIO(npz(table))
    loaded = EventTable.load(content)
    content.seek(0)
    check_same(loaded, table)
    assert loaded.kev_per_code.tolist() == [3.0] * 16 and loaded.zero_code.tolist() == [50.0] * 16
    first = np.load(content)["first"]
    assert first.dtype == np.int64 and first.tolist() == table.first.tolist()


def test_events_npz_is_the_same_at_any_time(tmp_path):
    table = table_of(listing(mark(5, 0, 1) + event(6, {4: 1000}), 10_000_000, 100))
    (tmp_path / "a").write_bytes(npz(table))
    with zipfile.ZipFile(tmp_path / "a") as file:
        assert file.testzip() is None
        assert {member.date_time for member in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_events_csv_is_written_on_request_and_never_left_from_another_archive(tmp_path):
    collected = products(listing(mark(5, 0, 1) + event(6, {4: 1000}), 10_000_000, 100))
    collected.write(tmp_path, events_csv=True)
    (row,) = rows(tmp_path / EVENTS_CSV)
    about = {"class": "front", "detectors": "4", "codes": "1000", "energies_kev": "2850"}
    assert row == {"origin": str(ORIGIN), "time_s": "9.999906", **about}
    collected.write(tmp_path)
    assert not (tmp_path / EVENTS_CSV).exists() and len(EventTable.load(tmp_path / "events.npz")) == 1


def test_files_without_an_event(tmp_path):
    products().write(tmp_path, events_csv=True)
    empty = EventTable.load(tmp_path / "events.npz")
    assert len(empty) == len(empty.first) == len(empty.energy_kev) == 0 and set(empty.kev_per_code) == {3.0}
    assert rows(tmp_path / EVENTS_CSV) == []
