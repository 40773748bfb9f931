"""`dorn flash --board stimulus` on an emulated stimulus board, connected through a pseudo-terminal."""

import re
import threading
from contextlib import contextmanager

import pytest
from dorn import cli
from dorn.image import stimulus
from dorn.targets import emulate
from dorn.targets.stimulus import StimulusBoard
from dorn.targets.stimulus_port import SerialStimulusPort
from dorn.util.paths import onboard_root
from support.pair import open_pair


@contextmanager
def blank():
    """The port of a blank stimulus board, wired to a blank instrument."""
    over = threading.Event()
    port = emulate.PseudoTerminal()
    with open_pair(files={}, stimulus_files={}) as target:
        ports = {"usb": emulate.PseudoTerminal(), "stimulus": port}
        thread = threading.Thread(target=emulate.serve, args=(target, ports, over.is_set))
        thread.start()
        try:
            yield port.name
        finally:
            over.set()
            thread.join()


def test_a_blank_board_is_flashed_and_again_while_it_plays(capsys):
    with blank() as name:
        command = ["flash", "--board", "stimulus", "--port", name]
        assert cli.main(command) == 0
        manifest = stimulus.manifest_id()
        output = capsys.readouterr().out
        assert f"it runs: stimulus board, manifest {manifest:08x}" in output
        readme = (onboard_root() / "boards" / "stimulus" / "README.md").read_text(encoding="utf-8")
        assert re.search(r"\d+ files written", output)[0] in readme
        with SerialStimulusPort(name) as port:
            board = StimulusBoard(port)
            assert board.connect() == manifest
            board.command("regular", 10_000, 125_000, 500, 1, 100, 100)
            assert board.state().playing
        assert cli.main([*command, "--check"]) == 0
        output = capsys.readouterr().out
        assert "stopping the stimulus board" in output and f"all {len(stimulus.files())} files are up to date" in output
        with SerialStimulusPort(name) as port:
            assert StimulusBoard(port).connect() == manifest  # it runs again


@pytest.mark.parametrize(("options", "field"), [(["--link", "uart"], "--link"), (["--without", "rates"], "--without")])
def test_options_of_the_instrument_are_refused(options, field, capsys):
    assert cli.main(["flash", "--board", "stimulus", "--port", "/dev/none", *options]) == 2
    assert capsys.readouterr().err == f"dorn: {field}: --board: a stimulus board has no such option (stimulus)\n"
