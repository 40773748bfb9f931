"""The page shows the same content of an archive as `dorn decode`, however the archive grows."""

import numpy as np
import pytest
from dorn.live.history import History
from dorn.live.measurement import Measurement
from dorn.live.player import Player
from dorn.products.rates import COUNTERS, Rates
from dorn.products.running import RunningSpectra
from hypothesis import given, settings
from hypothesis import strategies as st
from support.products import DICTIONARY, ORIGIN, coincidences, decoded, packet, spectrum

CLOSED_BY, EVENTS = DICTIONARY.enums["closed_by"], DICTIONARY.enums["event"]
RESET, RUNNING = {"closed_by": CLOSED_BY["reset"]}, {"closed_by": CLOSED_BY["running"]}
an_integration = st.tuples(st.integers(0, 23), st.integers(1, 50), st.sampled_from(({}, RESET)), st.booleans())


class Clock:
    """Simulated wall time for a player."""

    now_s = 0.0

    def __call__(self):
        return self.now_s


def play(path, clock=None, **options):
    player = Player(path, DICTIONARY, clock=clock or Clock(), **options)
    player.begin()
    return player


def finished(player):
    while player.is_playing:
        player.step()
    return player.measurement


def counts(measurement):
    """(number, counts, real and live time) of all spectra."""
    found = measurement.spectra().items()
    return [(number, one.counts.tolist(), one.real_us, one.live_us) for number, one in sorted(found)]


def of_decode(octets):
    """The same values from `dorn decode`."""
    found = decoded(octets).all_spectra().items()
    numbered = [(n + (16 if name == "front_back" else 0), one) for (name, n), one in found]
    ordered = sorted(numbered, key=lambda item: item[0])
    return [(number, one.counts.tolist(), one.real_us, one.live_us) for number, one in ordered]


def made(found):
    """Packets of (spectrum, counts, closed by, whether some channels are missing), and one of another kind."""
    yield packet("pong", time_s=0.5)
    for n, (number, height, closed_by, is_part) in enumerate(found):
        one = spectrum(number, [height, 1]) if number < 16 else coincidences(number - 16, [height, 1])
        total = {"total": height + 5} if is_part else {}
        yield one.but(
            time_s=1.0 + n, start_us=1000 * n, integration=n, real_us=100 + n, live_us=90, **closed_by, **total
        )


@settings(deadline=None, max_examples=40)
@given(st.lists(an_integration, min_size=1, max_size=25), st.lists(st.integers(0, 2000), max_size=5))
def test_a_growing_archive_is_shown_as_it_is_decoded(tmp_path_factory, found, cuts):
    octets = b"".join(one.octets for one in made(found))
    path = tmp_path_factory.mktemp("live") / "telemetry.ccsds"
    player = Player(path, DICTIONARY, clock=Clock())
    player.step()  # the file does not exist yet
    written = 0
    with path.open("ab") as file:
        for end in sorted({*(cut % len(octets) for cut in cuts), len(octets)}):  # cuts may be within a packet
            file.write(octets[written:end])
            file.flush()
            written = end
            for _ in range(3):
                player.step()
    assert counts(player.measurement) == of_decode(octets)
    assert not player.fault


def test_packets_of_before_are_put_in_their_place(tmp_path):
    path, clock = tmp_path / "telemetry.ccsds", Clock()
    first, retrieved, last = (
        packet("rates", time_s=time_s, real_us=us, live_us=us, events=n)
        for time_s, us, n in ((10.0, 5_000_000, 40), (15.0, 10_000_000, 90), (20.0, 15_000_000, 150))
    )
    path.write_bytes(first.octets + last.octets)
    player = play(path, clock)
    finished(player)
    path.write_bytes(first.octets + last.octets + retrieved.octets)
    player.step()
    clock.now_s += 60
    player.step()
    finished(player)
    history = player.measurement.history
    assert history.rates().count("events").tolist() == [40, 50, 60]


def test_a_replaced_archive_is_played_from_its_begin(tmp_path):
    path = tmp_path / "telemetry.ccsds"
    path.write_bytes(spectrum(0, [5, 6]).octets + spectrum(1, [7]).octets)
    player = play(path)
    finished(player)
    path.write_bytes(spectrum(3, [2]).octets)
    player.step()
    assert [(number, sum(c)) for number, c, *_ in counts(finished(player))] == [(3, 2)]


def test_an_archive_replaced_by_a_larger_one_is_played_from_its_begin(tmp_path):
    path, other = tmp_path / "telemetry.ccsds", tmp_path / "other.ccsds"
    path.write_bytes(spectrum(2, [5]).octets)
    player = play(path)
    assert counts(finished(player))[0][1][0] == 5
    player.step()
    other.write_bytes(b"".join(spectrum(2, [n], start_us=n, integration=n).octets for n in (7, 8)))
    other.rename(path)
    player.step()
    assert counts(finished(player))[0][1][0] == 15


def test_a_replay_keeps_to_its_speed(tmp_path):
    path, clock = tmp_path / "telemetry.ccsds", Clock()
    packets = [spectrum(0, [1], start_us=n, integration=n, time_s=100.0 + 10 * n) for n in range(5)]
    path.write_bytes(b"".join(one.octets for one in packets))
    player = play(path, clock, speed=10.0)
    seen = []
    for _ in range(6):
        player.step()
        seen.append(sum(sum(c) for _, c, *_ in counts(player.measurement)))
        clock.now_s += 1.0
    assert seen == [1, 2, 3, 4, 5, 5]


def test_a_paused_replay_stands_still(tmp_path):
    path, clock = tmp_path / "telemetry.ccsds", Clock()
    path.write_bytes(spectrum(0, [1], time_s=1.0).octets + spectrum(0, [1], start_us=7, time_s=3.0).octets)
    player = play(path, clock, speed=1.0)
    player.step()
    player.paused = True
    clock.now_s += 50.0
    player.step()
    player.paused = False
    player.step()
    assert player.is_playing
    clock.now_s += 2.0
    player.step()
    assert not player.is_playing


# ---- running spectra -------------------------------------------------------------------------------------------------


def measured(tmp_path, *packets) -> Measurement:
    path = tmp_path / "telemetry.ccsds"
    path.write_bytes(b"".join(one.octets for one in packets))
    return finished(play(path))


def test_a_running_spectrum_is_shown_until_its_integration_closes_and_never_summed(tmp_path):
    closed = spectrum(2, [4, 4], start_us=1)
    copies = [spectrum(2, [n, 0, n], start_us=9, real_us=1000 * n, **RUNNING) for n in (1, 3)]
    found = measured(tmp_path, closed, *copies)
    assert {n: (one.counts[:3].tolist(), one.real_us) for n, one in found.running().items()} == {2: ([3, 0, 3], 3000)}
    assert found.spectra()[2].counts.sum() == 8
    found = measured(
        tmp_path, closed, *copies, spectrum(2, [5, 5], start_us=9, integration=2), copies[1].but(real_us=1)
    )
    assert found.running() == {}
    assert found.spectra()[2].counts.sum() == 18


def test_a_running_spectrum_in_two_packets_replaces_the_one_before_when_it_is_complete(tmp_path):
    before = spectrum(4, [1, 1], start_us=9, real_us=100, **RUNNING)
    parts = [
        spectrum(4, [2] * 3, total=5, start_us=9, real_us=200, first=0, **RUNNING).but(total=10),
        spectrum(4, [4], first=16, start_us=9, real_us=200, **RUNNING).but(total=10),
    ]
    assert measured(tmp_path, before, parts[0]).running()[4].counts.sum() == 2
    assert measured(tmp_path, before, *parts).running()[4].counts.sum() == 10
    assert measured(tmp_path, before, *parts, parts[1]).running()[4].counts.sum() == 10  # received twice


def test_a_copy_of_another_instrument_replaces_the_one_before(tmp_path):
    running = RunningSpectra()
    for origin in (ORIGIN, 7):
        row = np.array([(5, 100, 90, 3, 0)], [(n, "u8") for n in ("start_us", "real_us", "live_us", "total", "first")])[
            0
        ]
        running.add(1, origin, row, np.array([3, 0], np.uint16))
    running.close(1, ORIGIN, 5)
    assert running.all()[1].integration == (7, 5)


# ---- rates -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=70), st.sampled_from((4, 8)))
def test_rows_of_rates_keep_all_counts_and_times(found, rows):
    history, time_s = History(rows), 0.0
    for n, after_gap in found:
        time_s += 25.0 if after_gap else 5.0
        counters = np.full((1, len(COUNTERS)), n)
        interval = np.array([1]), np.array([time_s]), np.array([5_000_000]), np.array([4_000_000 + n])
        history.add(Rates(*interval, counters))
    assert history.n <= rows
    if found:
        totals = history.rates().totals()
        assert totals.real_us == 5_000_000 * len(found)
        assert totals.counters.tolist() == [sum(n for n, _ in found)] * len(COUNTERS)
        assert history.end_s == time_s
        assert (np.diff(history.time_s) > 0).all()


@pytest.mark.parametrize("between_s, gaps", ((5.0, []), (7.9, []), (9.0, [(5.0, 9.0)])))
def test_time_without_measurement_is_a_gap(between_s, gaps):
    history = History()
    for end_s in (5.0, 5.0 + between_s):
        interval = np.array([1]), np.array([end_s]), np.array([5_000_000]), np.array([5_000_000])
        history.add(Rates(*interval, np.ones((1, len(COUNTERS)), np.int64)))
    assert history.gaps == gaps


def test_storms_modes_and_resets_are_marked(tmp_path):
    events = (("booted", 1.0), ("storm_begin", 2.0), ("storm_end", 3.0), ("mode_changed", 4.0))
    found = measured(tmp_path, *(packet("event_info", time_s, event=EVENTS[name], b=3) for name, time_s in events))
    assert [(mark.time_s, mark.kind) for mark in found.marks] == [
        (1.0, "reset"),
        (2.0, "storm"),
        (3.0, "storm"),
        (4.0, "mode"),
    ]
    assert [report.name for report in found.reports] == [name for name, _ in events]


def test_the_waterfall_has_all_counts_where_they_were_measured(tmp_path):
    packets = [spectrum(n % 2, [0] * 8 + [n], start_us=20_000_000 * n, integration=n) for n in (1, 2, 3, 9)]
    rows, begin_s, length_s = measured(tmp_path, *packets).waterfall()
    assert begin_s == 20.0
    at = [int((20 * n - begin_s) // length_s) for n in (1, 2, 3, 9)]
    assert [rows[row, n % 2, 2] for row, n in zip(at, (1, 2, 3, 9), strict=True)] == [1, 2, 3, 9]
    assert np.nansum(rows) == 15
    assert np.isnan(rows[at[2] + 1 : at[3]]).all()


def test_the_spectra_of_a_period_are_those_of_its_slices(tmp_path):
    found = measured(tmp_path, *(spectrum(3, [n], start_us=60_000_000 * n, integration=n) for n in range(1, 6)))
    spectra, begin_s, end_s = found.slices_between(100.0, 250.0)
    assert spectra[3].counts.sum() == 2 + 3 + 4
    assert begin_s == 120.0 and end_s >= 240.0
