"""Completions for Tab: names of the dictionary, of procedures and timelines, files and folders."""

from __future__ import annotations

import argparse
from argparse import Namespace

import argcomplete
from argcomplete.completers import BaseCompleter, DirectoriesCompleter, FilesCompleter

from dorn.cli.parser import Parser
from dorn.dictionary import Ack, Dictionary

_FILES = ("FILE", "SOURCE", "TIMELINE", "DATA")  # metavars


def complete(parser: Parser) -> None:
    """Write the completions of the last word to the shell's script, and exit."""
    argcomplete.autocomplete(parser, default_completer=_Offered(), always_complete_options=False)


class _Offered(BaseCompleter):
    def __call__(
        self, *, prefix: str, action: argparse.Action, parser: argparse.ArgumentParser, parsed_args: Namespace
    ) -> dict[str, str]:
        """Completion -> description, which may be empty."""
        found: dict[str, str] = {}
        if names := _NAMES.get(f"{parser.prog} {action.dest}") or _NAMES.get(action.dest):
            found |= names(parsed_args, prefix)
        if action.metavar == "DIR":
            found |= dict.fromkeys(DirectoriesCompleter()(prefix), "")
        if action.metavar in _FILES or (action.dest == "target" and prefix.startswith("/")):
            found |= dict.fromkeys(FilesCompleter()(prefix), "")
        return found


def _telecommands(args: Namespace, prefix: str) -> dict[str, str]:
    return {name: layout.about for name, layout in Dictionary.load().commands.items()}


def _fields(args: Namespace, prefix: str) -> dict[str, str]:
    """FIELD= for each field of the telecommand; FIELD=VALUE once the field is typed and if its values have names."""
    from dorn.operator.telecommands import written

    dictionary = Dictionary.load()
    layout = dictionary.commands.get(args.name)
    fields = written(layout) if layout else {}
    name, equals, _ = prefix.partition("=")
    if not equals:
        return {f"{field.name}=": field.about for field in fields.values()}
    enum = (name in fields and fields[name].enum) or ""
    return {f"{name}={value}": "" for value in dictionary.enums.get(enum, ())}


def _stages(args: Namespace, prefix: str) -> dict[str, str]:
    before = prefix[: prefix.rfind(",") + 1]
    return {before + str(flag.name).lower(): "" for flag in Ack}


def _procedures(args: Namespace, prefix: str) -> dict[str, str]:
    from dorn.operator.procedure import shipped

    return dict.fromkeys(shipped(), "")


def _timelines(args: Namespace, prefix: str) -> dict[str, str]:
    from dorn.ground.lander import shipped

    return dict.fromkeys(shipped(), "")


def _services(args: Namespace, prefix: str) -> dict[str, str]:
    return dict.fromkeys(Dictionary.load().optional, "")


def _targets(args: Namespace, prefix: str) -> dict[str, str]:
    return {"unix": "MicroPython's unix port", "rp2040": "an emulated Pico"}


# command and argument, or argument of any command -> its completions
_NAMES = {
    "dorn tc name": _telecommands,
    "dorn tc fields": _fields,
    "dorn tc ack": _stages,
    "dorn procedure file": _procedures,
    "dorn lander timeline": _timelines,
    "dorn flash without": _services,
    "target": _targets,
}
