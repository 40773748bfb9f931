"""What ends a run: a live time, a reset, another client, a lost port, a full disk. Nothing received is lost."""

import functools
import json
import os
import subprocess
import sys
import textwrap

import pytest
from dorn import cli
from dorn.link import frames
from dorn.products import run_file
from dorn.session import acquire
from dorn.targets import TargetError
from dorn.targets.unix import UnixTarget
from support import chip
from support.instrument import DICTIONARY, both_if_long
from support.runs import FATES, run, summary


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.csv"
    path.write_text("energy_kev,counts\n5000,1\n5100,1\n")
    return path


class Disturbed(UnixTarget):
    """at: target time (s) -> action on the target at that time."""

    def __init__(self, at, head, flash=None, link="usb", unique_id=None):
        super().__init__(head, flash, unique_id=unique_id)
        self.at = dict(sorted(at.items()))

    def advance(self, seconds):
        end_us = self.now_us + seconds * 1e6
        while self.at and next(iter(self.at)) * 1e6 < end_us:
            time_s = next(iter(self.at))
            super().advance(max(0, time_s - self.now_us / 1e6))
            self.at.pop(time_s)(self)
        super().advance((end_us - self.now_us) / 1e6)


@pytest.fixture
def disturbed(monkeypatch):
    """disturbed(time_s -> action): `dorn run` uses such a target."""

    def use(at):
        monkeypatch.setattr(acquire, "open_target", lambda name, head: Disturbed(at, head))

    return use


def telecommand(name, **fields):
    octets = frames.encode(DICTIONARY.encode(name, 700, **fields))
    return lambda target: target.send(octets)


def lost(target):
    raise TargetError("target unix: lost: unplugged; check its cable and its power")


# ---- live time -------------------------------------------------------------------------------------------------------


@both_if_long
@pytest.mark.parametrize("rate_cps", [100, 20_000])
def test_a_run_ends_at_a_live_time(where, rate_cps, source, tmp_path):
    if where == "rp2040":
        chip.required()
    # flash operations delay the telecommands that end the run
    live_s, late_s = (20, 0.02) if where == "unix" else (0.5, 0.2)
    out = tmp_path / "out"
    assert run(source, "--target", where, "--rate", rate_cps, "--live", live_s, "--out", out) == 0
    found = summary(out)
    assert live_s - 0.002 <= found["live_time_s"] <= live_s + late_s
    assert found["real_time_s"] > found["live_time_s"]
    assert found["injected"] == sum(found[name] for name in FATES) and found["sequence_gaps"] == 0
    assert found["run"]["live_s"] == live_s and found["run"]["ended_early"] is None


def test_live_time_is_reproducible_to_the_byte(source, tmp_path, monkeypatch):
    monkeypatch.setattr(acquire, "open_target", functools.partial(acquire.open_target, unique_id=1))
    for name in ("one", "two"):
        assert run(source, "--rate", 20_000, "--live", 3, "--out", tmp_path / name) == 0
    one, two = ((tmp_path / name / "telemetry.ccsds").read_bytes() for name in ("one", "two"))
    assert one == two


# ---- what else ends it -----------------------------------------------------------------------------------------------


def test_a_reset_ends_a_run_early(disturbed, source, tmp_path, capsys):
    disturbed({400.0: UnixTarget.reset})
    assert run(source, "--rate", 100, "--duration", 36_000, "--out", tmp_path / "out") == 1
    found, error = summary(tmp_path / "out"), capsys.readouterr().err
    assert found["resets"] == 1 and found["run"]["changes"] == ["the instrument was reset: reset_pin"]
    assert "the run ended early: the instrument was reset" in error
    assert 300 < found["real_time_s"] < 400 and found["in_spectra"] > 30_000 * 0.9


def test_an_acquisition_is_started_again_after_resets(disturbed, source, tmp_path, capsys):
    disturbed({100.0: UnixTarget.reset, 300.0: UnixTarget.power_cycle})
    assert run(source, "--rate", 100, "--live", 600, "--on-reset", "restart", "--out", tmp_path / "out") == 0
    found = summary(tmp_path / "out")
    assert found["resets"] == 2 and found["run"]["ended_early"] is None
    assert [change.split(":")[0] for change in found["run"]["changes"]] == [
        "the instrument was reset",
        "the acquisition was started again",
    ] * 2
    assert 600 <= found["live_time_s"] < 601
    assert capsys.readouterr().err.count("the acquisition was started again") == 2


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ({"function": "stop"}, "the acquisition was stopped: mode standby"),
        ({"function": "safe"}, "the acquisition was stopped: mode safe"),
    ],
)
def test_another_client_that_stops_the_acquisition_is_noticed(what, why, disturbed, source, tmp_path):
    disturbed({50.0: telecommand("function", **what)})
    assert run(source, "--rate", 100, "--duration", 3600, "--on-reset", "restart", "--out", tmp_path / "out") == 1
    found = summary(tmp_path / "out")
    assert found["run"]["ended_early"] == why and 49 < found["real_time_s"] < 51
    assert found["in_spectra"] > 4000 and found["missing_in_spectra"] == found["incomplete_spectra"] == 0


def test_a_lost_target_ends_a_run_with_its_products(disturbed, source, tmp_path, capsys):
    disturbed({950.0: lost})
    assert run(source, "--rate", 100, "--duration", 3600, "--out", tmp_path / "out") == 1
    found = summary(tmp_path / "out")
    assert found["run"]["ended_early"].startswith("target unix: lost: unplugged") and found["in_spectra"] > 50_000
    assert "the run ended early: target unix: lost" in capsys.readouterr().err


# ---- the archive -----------------------------------------------------------------------------------------------------


def test_an_archive_is_never_overwritten_without_force(source, tmp_path, capsys):
    out = tmp_path / "out"
    again = (source, "--rate", 50, "--duration", 5, "--out", out)
    assert run(*again) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert run(*again, "--seed", 2) == 2
    assert "telemetry.ccsds: archive: exists; give another --out, or --force" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert run(*again, "--seed", 2, "--force") == 0
    assert (out / "telemetry.ccsds").read_bytes() != before["telemetry.ccsds"]


def test_decoding_uses_what_is_known_about_the_run(source, tmp_path):
    out = tmp_path / "out"
    assert run(source, "--rate", 50, "--duration", 5, "--out", out) == 0
    archive = out / "telemetry.ccsds"
    assert cli.main(["decode", str(archive), "--out", str(tmp_path / "again")]) == 0
    one, two = summary(out), summary(tmp_path / "again")
    assert one | {"origins": {}} == two | {"origins": {}}  # the archive begins before the run
    assert one["run"]["command"].startswith("dorn run ") and one["run"]["seed"] == 1
    (about,) = one["origins"].values()
    assert about["first_s"] < about["last_s"] and about["first_utc"] is None  # simulated time is not UTC
    (out / run_file.NAME).write_text('{"head": 5}')
    assert cli.main(["decode", str(archive), "--out", str(tmp_path / "again")]) == 2


def test_a_full_disk_ends_a_run_in_one_line(source, tmp_path):
    """The archive keeps whole packets; run.json was written before."""
    code = f"""
        import resource, sys
        from dorn.cli import main
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        sys.exit(main(["run", {str(source)!r}, "--rate", "1000", "--duration", "600", "--out", "out"]))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("dorn: "), done.stderr
    archive = tmp_path / "out" / "telemetry.ccsds"
    assert 10_000 < os.path.getsize(archive) <= 20_000
    assert cli.main(["decode", str(archive), "--out", str(tmp_path / "later")]) == 0
    found = json.loads((tmp_path / "later" / "summary.json").read_text())
    assert found["crc_errors"] == 0 and found["run"]["source"] == str(source)
