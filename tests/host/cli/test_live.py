"""`dorn live` and `dorn run --live-page`: wrong arguments, and a run with its page."""

import re
import sys
import urllib.request

import pytest
from dorn import cli
from support.products import packet, spectrum


def wrong(capsys, *args):
    """The message for wrong arguments."""
    assert cli.main(["live", *map(str, args)]) == 2
    return capsys.readouterr().err


@pytest.fixture
def archive(write):
    return write("telemetry.ccsds", packet("housekeeping").octets + spectrum(0, [3]).octets)


def test_wrong_arguments_are_named(capsys, archive, write, tmp_path):
    assert "ARCHIVE: give either" in wrong(capsys)
    assert "give either" in wrong(capsys, archive, "--target", "unix")
    assert "--command: only with --target" in wrong(capsys, archive, "--command")
    assert "--out: only with --target" in wrong(capsys, archive, "--out", tmp_path / "out")
    assert "--port: N: not a port" in wrong(capsys, archive, "--port", "70000")
    assert "--speed: X" in wrong(capsys, archive, "--speed", "0")
    assert "does not exist" in wrong(capsys, tmp_path / "nothing.ccsds")
    assert "packets: none of this instrument" in wrong(capsys, write("text", "no packets"), "--port", "0")


def test_a_port_in_use_is_named(capsys, archive):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"--port: N: in use (127.0.0.1:{port})" in wrong(capsys, archive, "--port", port)


def test_a_calibration_that_cannot_be_used_is_named(capsys, archive, write):
    write("calibration.toml", "[[detector]]\nnumber = 99\n")
    assert "calibration.toml: detector[0].number" in wrong(capsys, archive, "--port", "0")


def test_without_bokeh_the_extra_is_named(capsys, archive, monkeypatch):
    monkeypatch.setitem(sys.modules, "dorn.live.server", None)
    assert "pip install '.[live]'" in wrong(capsys, archive)


def test_a_run_has_its_page_until_it_ends(capsys, tmp_path, monkeypatch):
    from dorn.session import acquire

    def during(**stream):
        found = re.search(r"live page on (\S+),", capsys.readouterr().out)
        with urllib.request.urlopen(found[1]) as answer:
            assert b"bokeh" in answer.read()
        return {"run": {"ended_early": None}}

    monkeypatch.setattr(acquire, "run_source", during)
    monkeypatch.setattr("dorn.cli.lab._report", lambda summary, out: None)
    source = tmp_path / "events.csv"
    source.write_text("time_us,detector,energy_kev\n10,0,5000\n")
    run = ["run", str(source), "--target", "unix", "--out", str(tmp_path / "out"), "--live-page", "0"]
    assert cli.main(run) == 0


def test_a_run_refuses_an_archive_before_its_page_opens(capsys, write, tmp_path):
    write("telemetry.ccsds", packet("housekeeping").octets)
    source = write("events.csv", "time_us,detector,energy_kev\n10,0,5000\n")
    assert cli.main(["run", str(source), "--out", str(tmp_path), "--live-page", "0"]) == 2
    out = capsys.readouterr()
    assert "exists" in out.err and "live page" not in out.out
