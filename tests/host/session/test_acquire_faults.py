"""`dorn run` with damaged frames, an unusable target, or an interruption."""

import fcntl
import os
import re
import signal
import subprocess
import sys

import pytest
from dorn import cli
from dorn.head.front_end import FrontEnd, Head
from dorn.session import Session
from dorn.targets.unix import UnixTarget
from support.instrument import open_simulated
from support.runs import FATES, run, summary


def test_a_failed_run_keeps_the_files_of_an_earlier_one(tmp_path, capsys):
    """Nor can two runs write to one archive."""
    source = tmp_path / "source.csv"
    source.write_text("energy_kev,counts\n5000,1\n5100,1\n")
    out = tmp_path / "out"
    assert run(source, "--rate", 50, "--duration", 10, "--out", out) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert run("-", "--target", "loop://", "--duration", 1, "--out", out, "--force") == 2
    assert "no housekeeping packet" in capsys.readouterr().err
    with (out / "telemetry.ccsds").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert run(source, "--rate", 50, "--duration", 10, "--seed", 2, "--out", out, "--force") == 2
    assert "telemetry.ccsds: another run is writing to it" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_ctrl_c_ends_the_run_cleanly(tmp_path):
    """The archive has complete packets only, the products contain them, and the exit status is 130."""
    source = tmp_path / "source.csv"
    source.write_text("energy_kev,counts\n5000,1\n5100,1\n")
    out = tmp_path / "out"
    command = [sys.executable, "-c", "import sys; from dorn.cli import main; sys.exit(main())", "run", str(source)]
    process = subprocess.Popen([*command, "--rate", "1000", "--duration", "100000", "--out", str(out)], cwd=tmp_path)
    archive = out / "telemetry.ccsds"
    while not (archive.exists() and archive.stat().st_size > 10_000):
        assert process.poll() is None
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert cli.main(["decode", str(archive), "--out", str(tmp_path / "again")]) == 0
    s = summary(out)
    assert s["recorded"] > 0 and s["injected"] == sum(s[name] for name in FATES)
    assert s["incomplete_spectra"] == s["sequence_gaps"] == 0


def test_damaged_frames_affect_no_other(tmp_path):
    """Every fourth downlinked frame is damaged: it is dropped and counted, and the next one is decoded."""

    class Noisy:
        def __init__(self, target):
            self.target, self.frames, self.rest = target, 0, b""

        def __getattr__(self, name):
            return getattr(self.target, name)

        def receive(self):
            *complete, self.rest = (self.rest + self.target.receive()).split(b"\0")
            out = b""
            for frame in filter(None, complete):
                self.frames += 1
                if self.frames % 4 == 0:
                    frame = frame[:-1] + bytes([frame[-1] ^ 0x55 or 1])
                out += frame + b"\0"
            return out

    received = []
    with open_simulated("unix", Head(FrontEnd())) as target:
        noisy = Noisy(target)
        session = Session(noisy, received.append)
        session.connect()
        for _ in range(20):
            target.advance(5)
            session.pump()
    assert session.crc_errors == noisy.frames // 4 > 5
    assert session.packets == len(received) == noisy.frames - session.crc_errors
    assert session.sequence_gaps >= session.crc_errors - 1


@pytest.mark.parametrize("damaged", [{14}, set(range(20, 34)), set(range(25, 400))])
def test_a_run_with_damaged_frames_writes_its_products(damaged, tmp_path, monkeypatch, capsys):
    """Whichever frames are damaged, the run reports missing data, and the head's counters are complete."""
    receive = UnixTarget.receive
    seen = [0]

    def damage(target):
        *complete, rest = receive(target).split(b"\0")
        out = b""
        for frame in complete:
            seen[0] += bool(frame)
            out += (frame[:-1] + bytes([frame[-1] ^ 0x55 or 1]) if frame and seen[0] in damaged else frame) + b"\0"
        assert not rest
        return out if complete else b""

    monkeypatch.setattr(UnixTarget, "receive", damage)
    source = tmp_path / "source.csv"
    source.write_text("energy_kev,counts\n5000,1\n5100,1\n")
    out = tmp_path / "out"
    status = run(source, "--rate", 100, "--duration", 30, "--out", out)
    s = summary(out)
    assert status == bool(s["run"]["ended_early"])
    assert s["injected"] == s["delivered"] + s["lost_dead_time"] + s["merged"] and s["crc_errors"] > 0
    assert "incomplete telemetry" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nowhere", r"target: unknown \('nowhere'\); known: unix, rp2040"),
        ("/dev/no-such-port", r"target /dev/no-such-port: cannot be opened: .*No such file"),
        ("socket://127.0.0.1:1", r"target socket://127.0.0.1:1: cannot be opened: .*refused"),
        ("socket://127.0.0.1", r"target socket://127.0.0.1: expected socket://HOST:PORT"),
    ],
)
def test_an_unusable_target_is_reported_in_one_line(target, message, tmp_path, capsys):
    source = tmp_path / "source.csv"
    source.write_text("energy_kev,counts\n5000,1\n5100,1\n")
    arguments = (source, "--rate", 1) if target == "nowhere" else ("-",)
    assert run(*arguments, "--duration", 1, "--target", target, "--out", tmp_path / "out") == 2
    assert re.fullmatch(f"dorn: {message}.*\n", capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (None, "no MicroPython image: .*No such file.*micropython.org"),
        (b"UF2\n", "not MicroPython 1.28.0 for the Pico"),
    ],
)
def test_a_missing_or_wrong_image_is_reported_in_one_line(image, message, tmp_path, capsys, monkeypatch):
    path = tmp_path / "image.uf2"
    if image:
        path.write_bytes(image)
    monkeypatch.setenv("DORN_PICO_IMAGE", str(path))
    source = tmp_path / "source.csv"
    source.write_text("energy_kev,counts\n5000,1\n5100,1\n")
    out = tmp_path / "out"
    assert run(source, "--rate", 1, "--duration", 1, "--target", "rp2040", "--out", out) == 2
    assert re.fullmatch(f"dorn: target rp2040: .*{message}.*\n", capsys.readouterr().err)
    assert not out.exists()
