"""Completion: the scripts for the shells, and what Tab offers in a real bash."""

import os
import shutil
import subprocess
import sys

import pytest
from dorn.cli import main
from dorn.dictionary import Dictionary
from dorn.operator.procedure import shipped

DICTIONARY = Dictionary.load()
# text on the line -> completions of its last word
OFFERED = {
    "dorn sh": ["shell "],
    "dorn tc set_par": ["set_parameter "],
    "dorn tc set_parameter par": ["parameter="],
    "dorn tc set_parameter value=1 parameter=threshold_1": [f"threshold_{i}" for i in (1, 10, 11, 12, 13, 14, 15)],
    "dorn tc fly parameter=": [],
    "dorn tc --ack acceptance,st": ["acceptance,start "],
    "dorn tc --li": ["--list", "--limit"],
    "dorn procedure ": [*shipped(), "spectra/", "source.spe"],
    "dorn lander do": ["dorn "],
    "dorn run so": ["source.spe "],
    "dorn run source.spe --out s": ["spectra/"],
    "dorn shell --target u": ["unix "],
    "dorn run source.spe --spacing ": ["poisson", "regular"],
    "dorn flash --without ra": ["rates "],
    "dorn completion ": ["bash", "zsh", "fish"],
    "dorn study a": ["adc "],
}


@pytest.fixture(scope="module")
def bash(tmp_path_factory):
    """offered(line): what a bash with the script offers on Tab."""
    if not shutil.which("bash"):
        pytest.skip("no bash")
    folder = tmp_path_factory.mktemp("completion")
    (folder / "bin").mkdir()
    (folder / "bin/dorn").write_text(f'#!/bin/sh\nexec {sys.executable} -m dorn.cli "$@"\n')
    (folder / "bin/dorn").chmod(0o755)
    (folder / "home/spectra").mkdir(parents=True)
    (folder / "home/source.spe").touch()
    ask = 'eval "$(dorn completion bash)"; COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9; _python_argcomplete dorn'
    environment = os.environ | {"PATH": f"{folder}/bin:{os.environ['PATH']}"}

    def offered(line):
        command = ["bash", "--norc", "-c", ask + '; printf "%s\\n" "${COMPREPLY[@]}"', "bash", line]
        done = subprocess.run(
            command, env=environment, cwd=folder / "home", capture_output=True, text=True, timeout=60, check=True
        )
        assert done.stderr == ""
        return [word for word in done.stdout.split("\n") if word]

    return offered


@pytest.mark.parametrize("line", OFFERED)
def test_bash_completes(bash, line):
    assert sorted(bash(line)) == sorted(OFFERED[line])


def test_all_telecommands_are_offered(bash):
    assert sorted(bash("dorn tc ")) == sorted(DICTIONARY.commands)


@pytest.mark.parametrize(
    ("shell", "line"), {"bash": "complete ", "zsh": "#compdef dorn\n", "fish": "complete --command dorn "}.items()
)
def test_every_shell_has_a_script(capsys, shell, line):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert line in script and "dorn" in script
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=script, text=True, timeout=60, check=True)


def test_an_unknown_shell_is_one_line(capsys):
    assert main(["completion", "cmd"]) == 2
    assert capsys.readouterr().err.startswith("dorn: argument SHELL: invalid choice: 'cmd'")
