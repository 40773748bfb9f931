"""`dorn run` end to end on both simulated targets, and its archive read by other programs."""

import contextlib
import functools
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
from dorn import cli
from dorn.dictionary import Dictionary
from dorn.head.front_end import FrontEnd, Head
from dorn.session import acquire
from dorn.targets import open_target
from support import chip, realdata
from support.instrument import both_if_long, open_simulated
from support.runs import FATES, run, summary

KEV_PER_CHANNEL = 12


def spectrum(out):
    """Energies (keV) of the channels, and counts summed over all single-detector spectra."""
    table = np.genfromtxt(out / "spectra.csv", delimiter=",", skip_header=4)  # names, live times, scales
    return table[:, 1], table[:, 2:].sum(1).astype(int)


@pytest.fixture
def same_board(monkeypatch):
    """Every run is on the same simulated board, so its random numbers are the same too."""
    monkeypatch.setattr(acquire, "open_target", functools.partial(open_target, unique_id=1))


def needs(where):
    if where == "rp2040":
        chip.required()


@both_if_long
def test_a_measured_spectrum_is_reproduced(where, tmp_path):
    """Am-241 and pulser lines in silicon: region sums exact, centroids within 0.15 channel of the authors' MCA."""
    needs(where)
    # the emulator is slow: it plays a file with a fifth of the counts, too few for centroids
    file = "2Cal.dat" if where == "unix" else "1Cal.dat"
    path, regions = realdata.lisbon_csv(tmp_path, file, calibration=realdata.ONE_TO_ONE)
    out = tmp_path / "out"
    assert run(path, "--target", where, "--replay", "--spacing", "regular", "--rate", 20_000, "--out", out) == 0
    energies_kev, counts = spectrum(out)
    for region in regions:
        inside = (energies_kev > region.low_kev) & (energies_kev < region.high_kev)
        assert counts[inside].sum() == region.gross
        if where != "unix":
            continue
        # from the provenance of the data: Gaussian fits above half height agree with the MCA's centroids
        top = inside & (counts > counts[inside].max() / 2)
        channels = energies_kev[top] - region.centroid_kev
        a, b, _ = np.polyfit(channels, np.log(counts[top]), 2, w=np.sqrt(counts[top]))
        assert abs(-b / (2 * a)) < 0.15 * KEV_PER_CHANNEL
    s = summary(out)
    assert s["injected"] == sum(s[name] for name in FATES) and s["target"] == where


@both_if_long
def test_other_programs_read_the_archive(where, tmp_path):
    """spacepackets (PUS-C headers, CRC) and ccsdspy read telemetry.ccsds without error."""
    import ccsdspy
    from spacepackets.ecss.tm import PusTm

    needs(where)
    source = tmp_path / "source.csv"
    source.write_text("energy_kev,counts\n" + "".join(f"{e},1\n" for e in range(1000, 9000, 100)))
    out = tmp_path / "out"
    assert run(source, "--target", where, "--rate", 500, "--duration", 11, "--out", out) == 0
    data = (out / "telemetry.ccsds").read_bytes()
    packets = ccsdspy.utils.split_packet_bytes(str(out / "telemetry.ccsds"))
    assert b"".join(map(bytes, packets)) == data
    decode = Dictionary.load().decode
    sequence = None
    for packet in map(bytes, packets):
        theirs, ours = PusTm.unpack(packet, timestamp_len=6), decode(packet)  # raises on a bad CRC
        assert (theirs.service, theirs.message_subtype) == (ours.service, ours.subtype)
        assert theirs.seq_count == ours.sequence == (ours.sequence if sequence is None else (sequence + 1) & 0x3FFF)
        seconds, fraction = divmod(int.from_bytes(theirs.timestamp, "big"), 65536)
        assert seconds + fraction / 65536 == ours.time_s
        sequence = theirs.seq_count
    assert {decode(bytes(p)).name for p in packets} >= {
        "housekeeping", "event_info", "spectrum", "coincidence_spectrum", "rates", "completion_success",
    }  # fmt: skip
    fixed = ccsdspy.FixedLength(
        [
            ccsdspy.PacketField("PUS", "fill", 8 * 13),
            ccsdspy.PacketField("RECORD", "uint", 32),
            ccsdspy.PacketField("ORIGIN", "uint", 16),
            ccsdspy.PacketField("STRUCTURE", "uint", 8),
            ccsdspy.PacketField("DICTIONARY", "uint", 32),
            ccsdspy.PacketField("UNIQUE_ID", "uint", 64),
        ]
    )
    housekeeping = [bytes(p) for p in packets if p[7:9] == bytes((3, 25))]
    hk = tmp_path / "hk.ccsds"
    head = [p[:4] + (6 + 13 + 19 - 7).to_bytes(2, "big") + p[6 : 6 + 13 + 19] for p in housekeeping]
    hk.write_bytes(b"".join(head))
    assert set(fixed.load(str(hk))["DICTIONARY"]) == {Dictionary.load().hash}


def test_decoding_the_archive_gives_the_same_products(tmp_path):
    source = tmp_path / "source.csv"
    source.write_text("time_us,detector,energy_kev\n" + "".join(f"{1000 * i},{i % 16},5000\n" for i in range(1, 500)))
    assert run(source, "--out", tmp_path / "run") == 0
    assert cli.main(["decode", str(tmp_path / "run/telemetry.ccsds"), "--out", str(tmp_path / "again")]) == 0
    lines = {
        (folder, name): (tmp_path / folder / name).read_text().splitlines()
        for folder in ("run", "again")
        for name in ("spectra.csv", "rates.csv")
    }
    assert lines["run", "spectra.csv"] == lines["again", "spectra.csv"]
    # the archive begins at boot, the products of the run at the start of the run
    rates = lines["run", "rates.csv"]
    assert rates[1:] == lines["again", "rates.csv"][1 - len(rates) :] and len(rates) > 1
    one, two = summary(tmp_path / "run"), summary(tmp_path / "again")
    assert one["recorded"] == two["recorded"] == 499


def test_a_replay_ends_with_its_last_count_and_is_reproducible_to_the_byte(tmp_path, same_board):
    source = tmp_path / "source.csv"
    source.write_text("energy_kev,counts\n5000,400\n5012,200\n")
    for name in ("one", "two"):
        assert run(source, "--replay", "--rate", 300, "--out", tmp_path / name) == 0
    one, two = (summary(tmp_path / name) for name in ("one", "two"))
    for found in (one, two):  # except for the names of the folders and the time of day
        del found["run"], found["origins"]
    assert one == two and one["recorded"] + one["lost_dead_time"] + one["merged"] == 600
    assert abs(one["real_time_s"] - 2) < 6 * 600**0.5 / 300
    assert (tmp_path / "one/telemetry.ccsds").read_bytes() == (tmp_path / "two/telemetry.ccsds").read_bytes()
    assert run(source, "--replay", "--spacing", "regular", "--rate", 300, "--out", tmp_path / "three") == 0
    assert abs(summary(tmp_path / "three")["real_time_s"] - 2) < 0.005


def test_concatenated_archives_decode_as_two_boots(tmp_path):
    source = tmp_path / "source.csv"
    source.write_text("energy_kev,counts\n5000,400\n5012,200\n")
    joined = b""
    for seed in (1, 2):
        assert run(source, "--rate", 50, "--duration", 10, "--seed", seed, "--out", tmp_path / f"{seed}") == 0
        joined += (tmp_path / f"{seed}/telemetry.ccsds").read_bytes()
    (tmp_path / "joined").write_bytes(joined)
    assert cli.main(["decode", str(tmp_path / "joined"), "--out", str(tmp_path / "both")]) == 0
    one, two, both_ = (summary(tmp_path / name) for name in ("1", "2", "both"))
    for name in ("recorded", "in_spectra"):
        assert both_[name] == one[name] + two[name]


def test_the_same_seed_gives_the_same_bytes(tmp_path, same_board):
    source = tmp_path / "source.toml"
    source.write_text('duration_s = 20\n[[source]]\nnuclide = "Po-210"\nactivity_bq = 50\n[head]\nnoise_kev = 40\n')
    for name in ("one", "two"):
        assert run(source, "--seed", 5, "--out", tmp_path / name) == 0
    one, two = ((tmp_path / name / "telemetry.ccsds").read_bytes() for name in ("one", "two"))
    assert one == two
    assert run(source, "--seed", 6, "--out", tmp_path / "other") == 0
    assert (tmp_path / "other" / "telemetry.ccsds").read_bytes() != one


def test_an_instrument_behind_a_socket_is_recorded(tmp_path):
    """The instrument is the unix target behind TCP, its time coupled to wall time."""
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve():
        with open_simulated("unix", Head(FrontEnd())) as target:
            connection, _ = server.accept()
            connection.setblocking(False)
            target.inject((5_000_000 * i, i % 16, 5000.0) for i in range(10**6))
            while not stop.wait(0.002):
                target.advance(0.05)  # 25 times faster than real time
                with contextlib.suppress(BlockingIOError):
                    target.send(connection.recv(4096))
                try:
                    connection.sendall(target.receive())
                except OSError:
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    out = tmp_path / "out"
    url = f"socket://127.0.0.1:{server.getsockname()[1]}"
    try:
        assert run("-", "--target", url, "--duration", 1, "--out", out) == 0
    finally:
        stop.set()
        thread.join()
        server.close()
    s = summary(out)
    (origin,) = s["origins"].values()
    assert origin["first_utc"] is None  # time passes 25 times too fast
    assert s["target"] == url and s["injected"] is None and s["recorded"] > 500
    assert Path(out / "spectrum.png").read_bytes().startswith(b"\x89PNG")
