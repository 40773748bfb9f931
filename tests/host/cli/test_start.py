"""What a command imports, and Ctrl-C while it imports."""

import subprocess
import sys

import pytest
from dorn.cli import main

HEAVY = ("numpy", "matplotlib", "scipy", "serial", "prompt_toolkit", "asyncio", "argcomplete", "mpremote", "tqdm")
OURS = ("dorn.session", "dorn.targets", "dorn.head", "dorn.products", "dorn.image", "dorn.exports", "dorn.ground")


def run(code, *args, **settings):
    return subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, timeout=60, **settings)


@pytest.mark.parametrize("command", ["tc --list", "tc --list ping", "", "tc --help", "run --help", "completion --help"])
def test_listing_and_help_import_nothing_heavy(command):
    code = """if True:
        import sys
        from dorn.cli import main
        try:
            main(sys.argv[1:])
        except SystemExit:
            pass
        print(*sys.modules, file=sys.stderr)
    """
    done = run(code, *command.split())
    imported = done.stderr.split()
    assert "dorn.cli.commands" in imported and done.stdout
    assert [name for name in (*HEAVY, *OURS) if name in imported] == []


def test_one_command_imports_its_own_file_only():
    code = "import sys; from dorn.cli import main; main(['tc', '--list']); print(*sys.modules, file=sys.stderr)"
    imported = {name for name in run(code).stderr.split() if name.startswith("dorn.cli.")}
    assert imported == {f"dorn.cli.{name}" for name in ("commands", "parser", "options", "operate")}


@pytest.mark.parametrize(
    ("module", "command"),
    [("argparse", "tc --list"), ("tomllib", "tc --list"), ("numpy", "demo"), ("matplotlib", "decode x --out y")],
)
def test_ctrl_c_during_an_import_ends_with_130_and_no_traceback(tmp_path, module, command):
    (tmp_path / f"{module}.py").write_text("raise KeyboardInterrupt\n")
    (tmp_path / "x").write_text("x")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from dorn.cli import main; sys.exit(main())"
    done = run(code, *command.split(), cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "dorn: stopped\n")


def test_python_m_is_dorn():
    done = subprocess.run([sys.executable, "-m", "dorn.cli", "fly"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.startswith("dorn: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["tc --list", "tc --list ping", "tc --help"])
def test_a_reader_that_goes_away_ends_it_with_141(command, monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    code = "import sys; from dorn.cli import main; sys.exit(main())"
    call = [sys.executable, "-c", code, *command.split()]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        error = process.stderr.read()
    assert (process.returncode, error) == (141, b"")


@pytest.mark.parametrize(
    ("command", "written"),
    [
        ("dictionary --out out", "out/"),
        ("procedure commissioning --target unix --out out", "out/telemetry.ccsds"),
        ("lander dorn --target unix --times 100 --out out", "out/telemetry.ccsds"),
        ("decode run/telemetry.ccsds --out out", "out"),
    ],
)
def test_a_full_disk_is_one_line(command, written, tmp_path):
    source = tmp_path / "source.csv"
    source.write_text("energy_kev,counts\n5000,1\n5100,1\n")
    if command.startswith("decode"):
        assert main(["run", str(source), "--rate", "500", "--duration", "30", "--out", str(tmp_path / "run")]) == 0
    code = """if True:
        import resource, sys, tempfile
        from pathlib import Path
        from dorn.cli import main
        from dorn.targets import unix
        boot = unix.UnixTarget._boot
        def limited(target, *rest):  # after the program of the simulated board is written
            boot(target, *rest)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2500, 2500))
        unix.UnixTarget._boot = limited
        if "unix" not in sys.argv:
            resource.setrlimit(resource.RLIMIT_FSIZE, (2500, 2500))
        sys.exit(main(sys.argv[1:]))
    """
    done = run(code, *command.split(), cwd=tmp_path)
    assert "Traceback" not in done.stderr
    if command.startswith("lander"):  # the error is part of its report
        line = next(line for line in done.stdout.splitlines() if line.startswith("FAILED: "))  # the verdict
    else:
        line = done.stderr.splitlines()[-1]
        assert line.startswith("dorn: ")
    assert done.returncode == (1 if command.startswith("lander") else 2)
    assert written in line and "cannot be written: File too large" in line
