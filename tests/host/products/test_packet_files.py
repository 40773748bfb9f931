"""`dorn decode --split`: an archive for each type of packet."""

import pytest
from dorn.cli import main
from dorn.link.archive import read
from support.packets import tm
from support.products import DICTIONARY, packet, spectrum

PONG = DICTIONARY.telemetry["pong"]
DECODE = ["decode", "t.ccsds", "--split", "--out", "out"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder):
    """Name -> packets of the files that --split has written."""
    return {path.name: list(read(path)) for path in (folder / "out" / "packets").iterdir()}


def test_each_type_has_its_packets_once_and_in_the_order_of_time(here):
    early, late = spectrum(3, [1, 2] * 8), spectrum(4, [5] * 16)
    rates = packet("rates", time_s=5, events=7)
    sent = [made.octets for made in (late.but(time_s=9), rates, early.but(time_s=2))]
    damaged = bytearray(sent[1])
    damaged[30] ^= 1
    too_long = tm(PONG.service, PONG.subtype, b"more")
    foreign = tm(PONG.service, PONG.subtype, b"", apid=99)
    (here / "t.ccsds").write_bytes(b"".join([*sent, damaged, sent[0], too_long, foreign]))
    assert main(DECODE) == 0
    assert files(here) == {"spectrum.ccsds": [sent[2], sent[0]], "rates.ccsds": [sent[1]]}


def test_an_archive_is_replaced_only_with_force_and_then_those_beside_it_too(here, capsys):
    (here / "t.ccsds").write_bytes(spectrum(3, [1] * 16).octets + packet("rates").octets)
    assert main(DECODE) == 0
    other = packet("pong").octets
    (here / "t.ccsds").write_bytes(other)
    before = {path: path.stat().st_mtime_ns for path in (here / "out").rglob("*")}
    capsys.readouterr()
    assert main(DECODE) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.endswith("--force replaces all archives in packets/\n"), error
    assert "out/packets/spectrum.ccsds: archive: exists" in error or "out/packets/rates.ccsds" in error
    assert {path: path.stat().st_mtime_ns for path in (here / "out").rglob("*")} == before
    (here / "out" / "packets" / "notes.txt").write_text("mine")
    assert main([*DECODE, "--force"]) == 0
    (here / "out" / "packets" / "notes.txt").unlink()  # not written by --split: it stayed
    assert files(here) == {"pong.ccsds": [other]}


def test_without_split_the_archives_stay(here):
    (here / "t.ccsds").write_bytes(packet("rates").octets)
    assert main(DECODE) == 0
    assert main(["decode", "t.ccsds", "--out", "out"]) == 0
    assert list(files(here)) == ["rates.ccsds"]


def test_an_input_is_never_replaced(here, capsys):
    (here / "t.ccsds").write_bytes(packet("rates").octets + packet("pong").octets)
    assert main(DECODE) == 0
    before = files(here)
    capsys.readouterr()
    assert main(["decode", "out/packets/rates.ccsds", "--split", "--force", "--out", "out"]) == 2
    assert "out/packets/rates.ccsds: archive: would be replaced" in capsys.readouterr().err
    assert files(here) == before


def unwritable(here, capsys):
    """The error message of DECODE with --force, which must not have written anything."""
    (here / "t.ccsds").write_bytes(packet("rates").octets)
    before = sorted(here.rglob("*"))
    assert main([*DECODE, "--force"]) == 2
    error = capsys.readouterr().err
    assert sorted(here.rglob("*")) == before and error.count("\n") == 1, error
    return error


def test_a_file_in_place_of_the_folder_is_found_before_anything_is_written(here, capsys):
    (here / "out").mkdir()
    (here / "out" / "packets").write_text("a file")
    assert "--out: DIR: not a directory (" in unwritable(here, capsys)


def test_a_folder_in_place_of_an_archive_is_found_before_anything_is_written(here, capsys):
    (here / "out" / "packets" / "rates.ccsds").mkdir(parents=True)
    assert "out/packets/rates.ccsds: archive: cannot be written: not a file" in unwritable(here, capsys)


def test_force_without_split_is_rejected(here, capsys):
    (here / "t.ccsds").write_bytes(packet("rates").octets)
    assert main(["decode", "t.ccsds", "--force", "--out", "out"]) == 2
    error = capsys.readouterr().err
    assert "--force: only with --split" in error and error.count("\n") == 1
    assert not (here / "out").exists()
