"""The help texts: every command, with its examples, and the exit statuses."""

import re

import pytest
from dorn.cli import commands, lab, main
from dorn.dictionary import Dictionary
from dorn.head import arrivals
from dorn.operator import telecommands
from dorn.operator.procedure import shipped
from dorn.operator.statements import COMPLETION_LIMIT_S

COMMANDS = {name: module for group in commands.GROUPS.values() for name, module in group.items()}
STUDIES = ("study counting", "study deadtime", "study stalls", "study spectra", "study adc")


def help_of(capsys, command=""):
    """The help text of a command, or of `dorn`."""
    with pytest.raises(SystemExit) as over:
        main([*command.split(), "--help"])
    assert over.value.code == 0
    return capsys.readouterr().out


def examples(text):
    """The command lines below `examples:`, each as the arguments of `dorn`."""
    lines = text.partition("\nexamples:\n")[2].splitlines()
    return [re.search(r"dorn ([^|)#>]*)", line)[1].split() for line in lines]


def test_dorn_alone_prints_its_help(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out == help_of(capsys)


def test_commands_are_listed_by_group_with_descriptions(capsys):
    text = help_of(capsys)
    for title, group in commands.GROUPS.items():
        section = text.partition(f"\n{title}:\n")[2].partition("\n\n")[0].splitlines()
        assert [line.split()[0] for line in section] == list(group)
        assert all(len(line.split()) > 3 for line in section)
    assert max(map(len, text.splitlines())) <= 80


def test_every_command_of_the_files_is_listed(capsys):
    assert main(["fly"]) == 2  # its error names all commands that were added
    known = capsys.readouterr().err.partition("choose from ")[2].partition(")")[0]
    assert sorted(re.findall(r"\w+", known)) == sorted(COMMANDS)


@pytest.mark.parametrize("status", [0, 1, 2, 130, 141])
def test_exit_statuses_are_explained(capsys, status):
    section = help_of(capsys).partition("\nexit status:\n")[2].partition("\n\n")[0]
    assert re.search(rf"^  {status} +\w", section, re.MULTILINE)


@pytest.mark.parametrize("command", ["", *COMMANDS, *STUDIES])
def test_examples_are_commands_that_dorn_accepts(capsys, command):
    found = examples(help_of(capsys, command))
    assert found
    for words in found:
        args = commands.parse(words)
        assert not command or words[: len(command.split())] == command.split()
        if words[0] == "tc" and args.target:
            telecommands.telecommand([args.name, *args.fields], Dictionary.load())


def test_help_of_procedures_has_the_statements_and_the_shipped_ones(capsys):
    text = help_of(capsys, "procedure")
    assert "\n  set PARAMETER VALUE\n" in text and "\n  until event NAME [a OP VALUE] within SECONDS\n" in text
    assert all(name in text for name in shipped())
    assert "\n  power off SECONDS\n" in help_of(capsys, "lander")


def test_help_agrees_with_the_constants_of_other_modules(capsys):
    assert lab.SPACINGS == arrivals.SPACINGS
    assert f"must complete (default {COMPLETION_LIMIT_S:g})" in " ".join(help_of(capsys, "tc").split())
