"""The suite on two ports, as on a bench with two boards: `dorn emulate --stimulus` provides them."""

import re
import signal
import subprocess
import sys
from pathlib import Path

from dorn.image import stimulus
from support import chip

ROOT = Path(__file__).parents[2]
TEST = "hil/test_known_pulses.py::test_every_pulse_is_counted_in_its_channel"


def test_the_suite_needs_two_ports_only(tmp_path):
    chip.required()
    program = "import sys; from dorn.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "emulate", "--stimulus"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        usb, _, board = (re.search(r" on ([^\s,]+)", process.stdout.readline())[1] for _ in range(3))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TEST, "--report", str(tmp_path)]
        done = subprocess.run(
            [*command, "--target", usb, "--stimulus", board], cwd=ROOT, capture_output=True, text=True
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert f"{stimulus.manifest_id():08x}" in (tmp_path / "results.json").read_text()
