"""`dorn emulate --target unix`: the firmware on the unix port, with its link on a port like that of a board."""

import contextlib
import re
import signal
import subprocess
import sys

import pytest
from dorn import cli
from dorn.session import Session
from dorn.targets.serial import SerialTarget


@contextlib.contextmanager
def emulated(*options):
    """Yields the name of the port."""
    program = "import sys; from dorn.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "emulate", "--target", "unix", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        name = re.search(r"unix port on (\S+), until Ctrl-C", process.stdout.readline())[1]
        try:
            yield name
        finally:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
        assert process.returncode == 130 and (out, err) == ("", "dorn: stopped\n")  # it has no other link


@pytest.mark.parametrize("where", [[], ["--tcp", "0"]], ids=["pty", "tcp"])
def test_it_serves_consecutive_clients_and_keeps_its_flash(tmp_path, where):
    for boots in (1, 2):
        with emulated("--flash", str(tmp_path), *where) as name:
            for _ in range(2):
                with SerialTarget(name) as target, contextlib.closing(Session(target)) as session:
                    assert session.connect().fields["boot_count"] == boots
                    session.command("ping")


def test_it_may_run_faster_than_real_time():
    with emulated("--speed", "20") as name, SerialTarget(name) as target:
        session = Session(target)
        session.wait_for(lambda packet: packet.time_s > 120, 60)
        session.close()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--blank"], "--blank: --target: applies to rp2040: unix always runs the firmware (unix)"),
        (["--speed", "0"], "--speed: X: not above 0 (0)"),
    ],
)
def test_what_makes_no_sense_is_refused(options, why, capsys):
    assert cli.main(["emulate", "--target", "unix", *options]) == 2
    assert capsys.readouterr().err == f"dorn: {why}\n"
