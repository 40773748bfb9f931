"""Products: what goes in as packets comes out in the files, count for count."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from dorn import nuclides
from dorn.dictionary import Dictionary, Packet
from dorn.errors import UserError
from dorn.products import plot
from dorn.products.products import Products, write_files
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

DICTIONARY = Dictionary.load()
HEAD = {
    "injected": 1000,
    "delivered": 900,
    "lost_dead_time": 60,
    "merged": 30,
    "below_threshold": 8,
    "disabled": 2,
    "spurious": 0,
}
LINK = {"packets": 12, "sequence_gaps": 1, "crc_errors": 2}


def packet(name, time_s=0.0, **fields):
    layout = DICTIONARY.telemetry[name]
    missing = {f.name for f in layout.fields} - set(fields)
    scalars = {f.name: 0 for f in layout.fields if f.name in missing and f.length is None}
    arrays = {f.name: [0] * 16 for f in layout.fields if f.name in missing and f.length is not None}
    return Packet(name, layout.service, layout.subtype, 0, 0, 100, time_s, scalars | arrays | fields)


def spectrum(detector, counts, first=0, total=None, integration=1, live_us=900):
    kind = {"detector": detector, "event_class": detector % 2, "integration": integration}
    times = {"real_us": 1000, "live_us": live_us}
    size = {"first": first, "count": len(counts), "total": sum(counts) if total is None else total}
    return packet("spectrum", **kind, **times, **size, counts=counts)


def replaced(one, time_s=None, **fields):
    return replace(one, time_s=one.time_s if time_s is None else time_s, fields=one.fields | fields)


def coincidences(unit, counts, first=0):
    size = {"first": first, "count": len(counts), "total": sum(counts), "counts": counts}
    return packet("coincidence_spectrum", unit=unit, event_class=2, integration=1, **size)


def products(*packets):
    collected = Products(DICTIONARY)
    for one in packets:
        collected.add(one)
    return collected


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_spectra_add_up_over_integrations_beyond_16_bits():
    collected = products(*(spectrum(3, [0, 65535], integration=n) for n in range(1, 70001)))
    found = collected.all_spectra()["back", 3]
    assert found.counts[1] == 65535 * 70000 > 2**32
    assert (found.real_us, found.live_us) == (1000 * 70000, 900 * 70000)
    assert collected.incomplete_spectra == 0


def test_times_count_once_for_an_integration_of_several_packets_in_any_order():
    parts = [spectrum(0, [1, 2], total=10), spectrum(0, [3, 4], first=512, total=10)]
    for order in (parts, parts[::-1], [parts[0], parts[0], parts[1], parts[1]]):
        found = products(*order).all_spectra()["front", 0]
        assert found.counts[[0, 1, 512, 513]].tolist() == [1, 2, 3, 4]
        assert found.counts.sum() == 10
        assert (found.real_us, found.live_us) == (1000, 900)


def test_a_missing_packet_is_counted_and_what_came_is_kept():
    collected = products(spectrum(0, [1, 2], total=10), spectrum(1, [5]), spectrum(0, [4], integration=2))
    assert collected.incomplete_spectra == 1
    assert collected.all_spectra()["front", 0].counts[:2].tolist() == [5, 2]
    assert collected.summary()["in_spectra"] == 12
    assert collected.summary()["incomplete_spectra"] == 1
    assert collected.summary()["spectra_live_s"]["front_0"] == 0.0018  # of two integrations
    collected.add(spectrum(0, [7], first=100, total=10))  # it comes after all
    assert collected.incomplete_spectra == 0


def test_an_empty_spectrum_is_complete():
    assert products(spectrum(0, [])).incomplete_spectra == 0


def test_an_integration_is_known_by_its_begin_and_an_instrument_that_lost_its_clock_is_another():
    first, again, later = (replaced(spectrum(0, [3]), start_us=us) for us in (5, 5, 6))
    assert products(first, again, later).all_spectra()["front", 0].counts[0] == 6
    one, other = (packet("housekeeping", time_s=t, boot_count=1) for t in (7.0, 0.5))
    assert products(first, one, other, again).all_spectra()["front", 0].counts[0] == 6


def test_what_is_retrieved_counts_once_wherever_it_comes():
    live = [replaced(spectrum(d, [3]), time_s=1.0 * d, record=10 + d, start_us=1) for d in range(4)]
    hk = [packet("housekeeping", time_s=t, boot_count=n, record=9 + 5 * n) for t, n in ((0.0, 0), (9.0, 1))]
    for late in ([live[1]], [live[1], live[3]], live, live[::-1]):
        kept = [p for p in live if p not in late]
        collected = products(hk[0], *kept, hk[1], *late, *late)
        assert {k: int(s.counts[0]) for k, s in collected.all_spectra().items()} == {
            (("front", "back")[d % 2], d): 3 for d in range(4)
        }
        assert (collected.records.received, collected.records.repeated) == (6, len(late))
        assert collected.housekeeping["boot_count"] == 1


def test_rates_that_come_late_divide_their_interval():
    seen = [packet("rates", time_s=5.0 * n, real_us=5 * n, events=n * n, record=n) for n in range(1, 6)]
    boot = packet("event_info", time_s=26.0, event=DICTIONARY.enums["event"]["booted"], a=2, record=6)
    after = packet("rates", time_s=31.0, real_us=99, events=40, record=7)
    collected = products(*seen[:1], *seen[3:], boot, after, seen[2], seen[1])
    assert [r.time_s for r in collected.rates] == [5, 10, 15, 20, 25, 31]
    assert [r.count("events") for r in collected.rates] == [1, 3, 5, 7, 9, 40]
    assert collected.totals().real_us == 25 + 99


def test_what_a_reset_left_of_an_integration_counts_unless_the_whole_comes():
    by_reset = DICTIONARY.enums["closed_by"]["reset"]
    whole = replaced(spectrum(0, [5, 5]), start_us=7)
    part = replaced(spectrum(0, [3, 4]), start_us=7, closed_by=by_reset)
    half = replaced(spectrum(0, [3], total=7), start_us=7, closed_by=by_reset)
    for order, counts in (([part], [3, 4]), ([whole, part], [5, 5]), ([part, whole], [5, 5]), ([part, part], [3, 4])):
        collected = products(*order)
        assert collected.all_spectra()["front", 0].counts[:2].tolist() == counts
        assert collected.incomplete_spectra == 0
    assert products(half).incomplete_spectra == 1


def test_channels_beyond_the_spectrum_are_an_error_and_no_crash():
    with pytest.raises(UserError, match=r"first \+ count: beyond channel 1023 \(1020 \+ 5\)"):
        products(spectrum(0, [1] * 5, first=1020))
    with pytest.raises(UserError, match=r"event_class: unknown \(9\)"):
        products(packet("spectrum", event_class=9))


def test_spectra_csv_gives_the_energy_of_each_channels_centre(tmp_path):
    counts = [0] * 1024
    counts[500] = 9
    products(spectrum(4, counts), coincidences(2, [0] * 100 + [5])).write(tmp_path)
    table = rows(tmp_path / "spectra.csv")
    assert list(table[0]) == ["detector", "class", "channel", "energy_kev", "counts"]
    filled = [row for row in table if row["counts"] != "0"]
    # codes 2000 to 2003: 3 keV (2001.5 - 50); codes 3200 to 3231 of the sum of two less one zero code
    assert [list(row.values()) for row in filled] == [
        ["4", "front", "500", "5854.5", "9"],
        ["2", "front_back", "100", "9496.5", "5"],
    ]
    assert len(table) == 1024 + 256


def test_the_energy_of_a_coincidence_channel_is_the_mean_of_its_pairs(tmp_path):
    """All pairs of codes that the dictionary's law puts into a channel, against the energy in the file."""
    products(coincidences(2, [1])).write(tmp_path)
    in_file = {int(row["channel"]): float(row["energy_kev"]) for row in rows(tmp_path / "spectra.csv")}
    total = np.arange(2 * 4095 + 1)  # of two codes
    for channel in (10, 100, 253):
        pairs = total[(total - 50) // 32 == channel]
        low, high = 3.0 * (pairs.min() - 100), 3.0 * (pairs.max() - 100)  # sum of two energies
        assert in_file[channel] == (low + high) / 2


def test_rates_csv_holds_differences_and_survives_wrap_clear_and_reset(tmp_path):
    top = 2**32
    accepted = [[top - 5] * 16, [10] * 16, [2] * 16, [1] * 16]
    collected = products(
        packet("rates", time_s=5, real_us=5_000_000, live_us=4_000_000, events=100, accepted=accepted[0]),
        packet("rates", time_s=10, real_us=10_000_000, live_us=8_500_000, events=150, accepted=accepted[1]),
        packet("rates", time_s=15, real_us=4_000_000, live_us=3_900_000, events=7, accepted=accepted[2]),
        packet("housekeeping", boot_count=1),
        packet("event_info", event=DICTIONARY.enums["event"]["booted"], a=2),
        packet("rates", time_s=9, real_us=9_000_000, live_us=9_000_000, events=8, accepted=accepted[3]),
    )
    summary = collected.write(tmp_path)
    table = rows(tmp_path / "rates.csv")
    assert [row["time_s"] for row in table] == ["5.000", "10.000", "15.000", "9.000"]
    assert [row["real_s"] for row in table] == ["5.000000", "5.000000", "4.000000", "9.000000"]
    assert [row["live_s"] for row in table] == ["4.000000", "4.500000", "3.900000", "9.000000"]
    assert [row["events"] for row in table] == ["100", "50", "7", "8"]
    assert [row["accepted_15"] for row in table] == [str(top - 5), "15", "2", "1"]
    assert summary["recorded"] == 16 * (top - 5 + 15 + 2 + 1)
    assert summary["real_time_s"] == 23.0


def test_housekeeping_that_comes_late_is_no_reset():
    first = packet("rates", real_us=5, events=10)
    later = packet("rates", real_us=9, events=15)
    assert products(first, packet("housekeeping", boot_count=4), later).totals().count("events") == 15


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=20))
def test_wrapping_counters_add_up_to_the_truth(steps):
    truth = 0
    collected = Products(DICTIONARY)
    for n, step in enumerate(steps):
        truth += step
        collected.add(packet("rates", real_us=n, events=truth % 2**32, over_range=[truth % 2**32] * 16))
    assert collected.totals().count("events") == truth
    assert collected.totals().count("over_range") == 16 * truth


def test_summary_takes_every_counter_from_where_it_was_counted():
    board = DICTIONARY.enums["board"]["pico"]
    version = {"version_major": 1, "version_minor": 2, "version_patch": 3}
    collected = products(
        packet("housekeeping", boot_count=1, board=board, dictionary=0x00ABCDEF, **version),
        packet(
            "rates",
            real_us=10_000_000,
            live_us=9_500_000,
            events=380,
            front=77,
            front_back=3,
            overrun_hits=40,
            accepted=[50] * 16,
            below_threshold=[1] * 16,
            over_range=[2] * 16,
            disabled=[0] * 15 + [12],
        ),
    )
    summary = collected.summary("unix", LINK, HEAD)
    assert summary == {
        "target": "unix",
        "firmware_version": "1.2.3",
        "dictionary": "00abcdef",
        "injected": 1000,
        "recorded": 800,
        "lost_dead_time": 60,
        "merged": 30,
        "below_threshold": 24,
        "over_range": 32,
        "disabled": 14,
        "lost_overrun": 40,
        "spurious": 0,
        "delivered": 900,
        "below_threshold_parts": {"head": 8, "firmware": 16},
        "disabled_parts": {"head": 2, "firmware": 12},
        "real_time_s": 10.0,
        "live_time_s": 9.5,
        "events": 380,
        "trigger_rate_cps": 40.0,
        "alone_cps": None,
        "through_cps": None,
        "in_spectra": 0,
        "missing_in_spectra": 80,
        "spectra_live_s": {},
        "incomplete_spectra": 0,
        "packets": 12,
        "sequence_gaps": 1,
        "crc_errors": 2,
    }
    fates = [
        "recorded",
        "lost_dead_time",
        "merged",
        "below_threshold",
        "over_range",
        "disabled",
        "lost_overrun",
    ]
    assert summary["injected"] == sum(summary[name] for name in fates)
    assert collected.totals().count("front") == 77  # and not the front_back events as well
    assert collected.summary()["target"] == "pico"


def test_summary_gives_the_rates_of_particles_of_each_detector():
    """5 and 3 counts in 2 s live, none in several units: nothing to correct."""
    counts = np.zeros(1024, int)
    counts[500] = 5
    other = np.zeros(1024, int)
    other[10] = 3
    collected = products(
        spectrum(0, counts), spectrum(15, other), packet("rates", real_us=2_100_000, live_us=2_000_000)
    )
    summary = collected.summary()
    assert (summary["alone_cps"][0], summary["alone_cps"][15], sum(summary["alone_cps"])) == (2.5, 1.5, 4.0)
    assert summary["through_cps"] == [0.0] * 8


def test_summary_says_null_for_what_nothing_has_counted(tmp_path):
    summary = products().write(tmp_path)
    assert summary == json.loads((tmp_path / "summary.json").read_text())
    known = {name: value for name, value in summary.items() if value is not None}
    parts = {"below_threshold_parts", "disabled_parts"}
    assert {k: v for k, v in known.items() if k not in parts} == {
        "in_spectra": 0,
        "spectra_live_s": {},
        "incomplete_spectra": 0,
        "packets": 0,
    }
    without_head = products(packet("rates", below_threshold=[1] * 16)).summary()
    assert (without_head["injected"], without_head["below_threshold"]) == (None, 16)


def test_picture_is_drawn_also_of_nothing_and_shows_the_counts(tmp_path):
    products().write(tmp_path / "empty")
    counts = [0] * 1024
    counts[300:700] = [40] * 400
    products(spectrum(0, counts), packet("rates", real_us=10, live_us=9)).write(tmp_path / "full")
    empty, full = (imread(tmp_path / name / "spectrum.png") for name in ("empty", "full"))
    assert full.shape[1] > 1000
    blue = (full[..., 2] - full[..., 0] > 0.1).mean()  # the front's area
    assert blue > 0.1 > 0.02 > (empty[..., 2] - empty[..., 0] > 0.1).mean()


def test_labelled_lines_are_those_of_the_table():
    energies = plot.label_energies_kev()
    assert energies["Po-210"] == [5304.33]
    assert energies["Po-218, Bi-212"] == [6002.55, 6050.78]
    assert {name for names in plot.LABELS.values() for name in names} <= set(nuclides.table())


def test_files_appear_whole_or_not_at_all(tmp_path):
    write_files(tmp_path, {"a": b"old", "b": b"old"})
    (tmp_path / "b").unlink()
    (tmp_path / "b").mkdir()  # cannot be replaced by a file
    with pytest.raises(UserError, match="cannot be written"):
        write_files(tmp_path, {"a": b"new", "b": b"new"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    file = tmp_path / "a"
    with pytest.raises(UserError, match="a: directory: cannot be written"):
        write_files(file, {"c": b""})
