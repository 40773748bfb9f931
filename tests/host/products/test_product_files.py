"""The files of the products: tables, summary and plot."""

import json

import numpy as np
import pytest
from dorn import nuclides
from dorn.errors import UserError
from dorn.head import sources
from dorn.nuclides.chains import alpha_emitters
from dorn.products import plot, run_file
from dorn.products.files import write_files
from dorn.products.products import remove_files
from dorn.products.style import ANALYSED
from matplotlib.image import imread
from support.products import DICTIONARY, ORIGIN, coincidences, packet, products, rows, spectrum

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
CORRELATIONS = [
    {"origin": ORIGIN, "on_board_s": 10.0, "utc": "2026-01-31T12:00:10.000Z"},
    {"origin": ORIGIN, "on_board_s": 20.0, "utc": "2026-01-31T12:00:21.000Z"},
]


def test_spectra_csv_gives_the_energy_of_each_channels_centre(tmp_path):
    counts = [0] * 1024
    counts[500] = 9
    products(spectrum(4, counts, live_us=1_500_000), coincidences(2, [0] * 100 + [5])).write(tmp_path)
    table = rows(tmp_path / "spectra.csv")
    assert list(table[0].values()) == ["# live_s", "", "1.500000"]
    assert list(table[0]) == ["channel", "energy_kev", "front_4"] and len(table) == 3 + 1024
    assert [list(row.values()) for row in table[1:3]] == [["# kev_per_code", "", "3"], ["# zero_code", "", "50"]]
    # codes 2000 to 2003: 3 keV (2001.5 - 50); codes 3200 to 3231 of the sum of two minus one zero code
    assert [list(row.values()) for row in table[3:] if row["front_4"] != "0"] == [["500", "5854.5", "9"]]
    table = rows(tmp_path / "coincidences.csv")
    assert list(table[0]) == ["channel", "energy_kev", "front_back_2"] and len(table) == 3 + 256
    assert [list(row.values()) for row in table[3:] if row["front_back_2"] != "0"] == [["100", "9496.5", "5"]]


def test_the_energy_of_a_coincidence_channel_is_the_mean_of_its_pairs(tmp_path):
    """The energy in the file against all pairs of codes that the dictionary's formula assigns to the channel."""
    products(coincidences(2, [1])).write(tmp_path)
    in_file = [float(row["energy_kev"]) for row in rows(tmp_path / "coincidences.csv")[3:]]
    total = np.arange(2 * 4095 + 1)  # sums of two codes
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
        packet("housekeeping", time_s=16, boot_count=1),
        packet("event_info", time_s=17, event=DICTIONARY.enums["event"]["booted"], a=2),
        packet("rates", time_s=19, real_us=9_000_000, live_us=9_000_000, events=8, accepted=accepted[3]),
    )
    summary = collected.write(tmp_path)
    assert summary["resets"] == 1
    table = rows(tmp_path / "rates.csv")
    assert [row["time_s"] for row in table] == ["5.000", "10.000", "15.000", "19.000"]
    assert [row["real_s"] for row in table] == ["5.000000", "5.000000", "4.000000", "9.000000"]
    assert [row["live_s"] for row in table] == ["4.000000", "4.500000", "3.900000", "9.000000"]
    assert [row["events"] for row in table] == ["100", "50", "7", "8"]
    assert [row["accepted_15"] for row in table] == [str(top - 5), "15", "2", "1"]
    assert summary["recorded"] == 16 * (top - 5 + 15 + 2 + 1)
    assert summary["real_time_s"] == 23.0


def test_summary_takes_every_counter_from_where_it_was_counted():
    board = DICTIONARY.enums["board"]["pico"]
    version = {"time_s": 0.5, "version_major": 1, "version_minor": 2, "version_patch": 3}
    collected = products(
        packet("housekeeping", boot_count=1, board=board, **version),
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
    run = {"target": "unix", "link": LINK, "head": HEAD}
    summary = collected.summary(run | {"seed": 1, "time_correlations": CORRELATIONS})
    assert summary == {
        "target": "unix",
        "firmware_version": "1.2.3",
        "dictionary": f"{DICTIONARY.hash:08x}",
        "calibration": "default",
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
        "trigger_rate_uncertainty_cps": 2.1,  # square root of 380, over 9.5 s
        **dict.fromkeys(("alone_cps", "alone_uncertainty_cps", "through_cps", "through_uncertainty_cps")),
        "in_spectra": 0,
        "missing_in_spectra": 80,
        "spectra_live_s": {},
        "incomplete_spectra": 0,
        "resets": 0,
        "packets": 12,
        "sequence_gaps": 1,
        "crc_errors": 2,
        "not_understood": 0,
        "conflicting_records": 0,
        "foreign_packets": 0,
        "origins": {
            str(ORIGIN): {
                "unique_id": None,
                "packets": 2,
                "first_s": 0.5,
                "last_s": 1.0,
                "first_utc": "2026-01-31T12:00:00.500Z",
                "last_utc": "2026-01-31T12:00:01.000Z",
            }
        },
        "run": {"seed": 1, "time_correlations": CORRELATIONS},
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
    assert collected.totals().count("front") == 77  # without the front_back events
    assert collected.summary()["target"] == "pico"


def test_summary_gives_the_rates_of_particles_of_each_detector():
    """5 and 3 counts in 2 s of live time, none in several units: nothing to correct."""
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


def test_summary_has_null_for_counters_without_data(tmp_path):
    summary = products().write(tmp_path)
    assert summary == json.loads((tmp_path / "summary.json").read_text())
    known = {name: value for name, value in summary.items() if value is not None}
    parts = {"below_threshold_parts", "disabled_parts"}
    assert {k: v for k, v in known.items() if k not in parts} == {
        "calibration": "default",
        "in_spectra": 0,
        "spectra_live_s": {},
        "incomplete_spectra": 0,
        **dict.fromkeys(
            ("packets", "sequence_gaps", "crc_errors", "not_understood", "conflicting_records", "foreign_packets"), 0
        ),
        "resets": 0,
        "origins": {},
    }
    without_head = products(packet("rates", below_threshold=[1] * 16)).summary()
    assert (without_head["injected"], without_head["below_threshold"]) == (None, 16)


def test_plot_shows_the_counts_and_is_drawn_even_without_any(tmp_path):
    products().write(tmp_path / "empty")
    counts = [0] * 1024
    counts[300:700] = [40] * 400
    products(spectrum(0, counts), packet("rates", real_us=10, live_us=9)).write(tmp_path / "full")
    empty, full = (imread(tmp_path / name / "spectrum.png") for name in ("empty", "full"))
    assert full.shape[1] > 1000
    blue = (full[..., 2] - full[..., 0] > 0.1).mean()  # the front's area
    assert blue > 0.1 > 0.02 > (empty[..., 2] - empty[..., 0] > 0.1).mean()


def test_labelled_lines_are_those_of_the_table():
    energies = plot.label_energies_kev(alpha_emitters(ANALYSED))
    assert energies["Po-210"] == [5304.33]
    assert energies["Po-218, Bi-212"] == [6002.55, 6050.78]
    regions = set(DICTIONARY.lines.values())
    assert {name for label in energies for name in label.split(", ")} == regions | {"Bi-212"}


def labels(monkeypatch, draw):
    """The names at the lines that a function draws."""
    figures = []
    monkeypatch.setattr(plot, "png", lambda figure: figures.append(figure) or b"")
    draw()
    return [text.get_text() for axes in figures[0].axes for text in axes.texts if ":" not in text.get_text()]


def test_a_plot_labels_what_the_run_names_and_nothing_else(monkeypatch):
    counts = [0] * 1024
    counts[460:475] = [400] * 15  # at 5.4 MeV, near lines of Rn-222, Po-210 and Am-241
    found = products(spectrum(0, counts))
    for run, wanted in (
        (None, []),
        ({"lines": []}, []),
        ({"lines": ["Am-241"]}, ["Am-241"]),
        ({"lines": ["Rn-222", "Po-210"]}, ["Po-210", "Rn-222"]),
    ):
        about = found.summary(run)
        assert labels(monkeypatch, lambda about=about: plot.spectrum_png(found.sides(), about)) == wanted


def test_a_scenario_names_its_alpha_emitters(write):
    """Those of all its parts, also of streams and delayed pairs; a measured spectrum names none."""
    demo = sources.load(sources.DEMO)
    truth = demo.expected(0, demo.duration_s)
    assert set(demo.lines) == {name for name in truth if name in nuclides.names() and nuclides.lines(name)}
    assert "Po-214" in demo.lines and "Am-241" not in demo.lines
    assert sources.load(write("a.csv", "energy_kev,counts\n5480,1\n5490,2\n")).lines == ()


def test_lines_of_a_run_file_are_checked(tmp_path):
    (tmp_path / "telemetry.ccsds").write_bytes(b"")
    for lines in (["Am-999"], "Am-241", [3], ["Cs-137"]):
        (tmp_path / "run.json").write_text(json.dumps({"lines": lines}))
        with pytest.raises(UserError, match=r"run.json: lines: not a list of nuclides with alpha lines"):
            run_file.read(tmp_path / "telemetry.ccsds")


def test_files_are_written_completely_or_not_at_all(tmp_path):
    def content(octets):
        return lambda file: file.write(octets)

    write_files(tmp_path, {"a": content(b"old"), "b": content(b"old")})
    (tmp_path / "b").unlink()
    (tmp_path / "b").mkdir()  # cannot be replaced by a file
    with pytest.raises(UserError, match="cannot be written"):
        write_files(tmp_path, {"a": content(b"new"), "b": content(b"new")})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert (tmp_path / "a").read_bytes() == b"old"
    file = tmp_path / "a"
    with pytest.raises(UserError, match="a: directory: cannot be written"):
        write_files(file, {"c": content(b"")})


def test_housekeeping_csv_has_names_for_numbers_and_nothing_for_missing_readings(tmp_path):
    mode = DICTIONARY.enums["mode"]["science"]
    one = packet("housekeeping", time_s=2.5, mode=mode, temperature_head=0xFFFF, temperature_board=29815)
    products(one, packet("housekeeping", time_s=12.5, task_wcet_us=list(range(8)))).write(tmp_path)
    first, second = rows(tmp_path / "housekeeping.csv")
    assert [first[name] for name in ("origin", "time_s", "mode")] == [str(ORIGIN), "2.500", "science"]
    assert (first["temperature_head"], first["temperature_board"], second["task_wcet_us_7"]) == ("", "29815", "7")


def test_reports_csv_tells_events_and_verification_in_words(tmp_path):
    events = DICTIONARY.enums["event"]
    failure = {"request_sequence": 0xC005, "failure": DICTIONARY.enums["failure"]["wrong_mode"], "detail": 1}
    products(
        packet("event_info", time_s=1, event=events["booted"], a=3, b=1),
        packet("acceptance_success", time_s=2, request_sequence=0xC004),
        packet("completion_failure", time_s=3, **failure),
    ).write(tmp_path)
    found = [list(row.values()) for row in rows(tmp_path / "reports.csv")]
    assert found == [
        [str(ORIGIN), "1.000", "event_info", "booted", "boot count: 3; reset cause: 1"],
        [str(ORIGIN), "2.000", "acceptance_success", "success", "telecommand with sequence count 4"],
        [str(ORIGIN), "3.000", "completion_failure", "wrong_mode", "telecommand with sequence count 5; detail: 1"],
    ]


def test_optional_files_of_an_earlier_archive_are_removed_and_those_of_others_stay(tmp_path):
    one = products(spectrum(0, [1]))
    one.write(tmp_path, tables=True, events_csv=True)
    (tmp_path / "tables" / "mine.csv").write_text("mine")
    one.write(tmp_path)
    assert not (tmp_path / "events.csv").exists()
    assert [path.name for path in (tmp_path / "tables").iterdir()] == ["mine.csv"]
    (tmp_path / "events.csv").write_text("time_us,detector,energy_kev\n")  # a source
    one.write(tmp_path)
    remove_files(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.csv", "tables"]


def test_a_table_of_each_layout_has_every_field_of_every_packet(tmp_path):
    scan = packet("threshold_scan", time_s=7, step=3, level=120, hits=list(range(16)))
    products(scan, spectrum(2, [258, 3])).write(tmp_path, tables=True)
    assert {path.stem for path in (tmp_path / "tables").iterdir()} == set(DICTIONARY.telemetry)
    (row,) = rows(tmp_path / "tables" / "threshold_scan.csv")
    assert [row[name] for name in ("time_s", "step", "level", "hits_0", "hits_15")] == ["7.000", "3", "120", "0", "15"]
    (row,) = rows(tmp_path / "tables" / "spectrum.csv")
    assert [row[name] for name in ("detector", "event_class", "data")] == ["2", "front", "01020003"]
