"""`dorn completion`, and what Tab offers: the shell's script runs `dorn`, so the names are those of the dictionary."""

from __future__ import annotations

import argparse

from dorn.cli.parser import Commands, Parser

SHELLS = {
    "bash": 'eval "$(dorn completion bash)"  # in ~/.bashrc',
    "zsh": 'eval "$(dorn completion zsh)"   # in ~/.zshrc, after compinit',
    "fish": "dorn completion fish | source   # in ~/.config/fish/config.fish",
}
_FILES = ("FILE", "SOURCE", "TIMELINE", "DATA")  # metavars


def add(commands: Commands) -> None:
    """The command's arguments."""
    completion = commands.add(
        "completion",
        _completion,
        "print the script that makes a shell complete dorn's names with Tab",
        examples=SHELLS.values(),
    )
    completion.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}")


def _completion(args) -> None:
    import argcomplete

    print(argcomplete.shellcode(["dorn"], shell=args.shell))


def complete(parser: Parser) -> None:
    """Write what the last word of the command line can be to where the shell's script reads it, and exit."""
    import argcomplete

    argcomplete.autocomplete(parser, default_completer=_offered, always_complete_options=False)


def _offered(
    prefix: str, action: argparse.Action, parser: argparse.ArgumentParser, parsed_args: argparse.Namespace
) -> dict[str, str]:
    """Names, files or folders -> what they are, or nothing."""
    from argcomplete.completers import DirectoriesCompleter, FilesCompleter

    found: dict[str, str] = {}
    if names := _NAMES.get((parser.prog, action.dest)) or _NAMES.get(action.dest):
        found |= names(parsed_args, prefix)
    if action.metavar == "DIR":
        found |= dict.fromkeys(DirectoriesCompleter()(prefix), "")
    if action.metavar in _FILES or (action.dest == "target" and prefix.startswith("/")):
        found |= dict.fromkeys(FilesCompleter()(prefix), "")
    return found


def _telecommands(args, prefix):
    from dorn.dictionary import Dictionary

    return {name: layout.about for name, layout in Dictionary.load().commands.items()}


def _fields(args, prefix):
    """FIELD= of the telecommand; after it FIELD=VALUE, if the values have names."""
    from dorn.dictionary import Dictionary
    from dorn.operator.telecommands import written

    dictionary = Dictionary.load()
    layout = dictionary.commands.get(args.name)
    fields = written(layout) if layout else {}
    name, equals, _ = prefix.partition("=")
    if not equals:
        return {f"{field.name}=": field.about for field in fields.values()}
    enum = fields[name].enum if name in fields else None
    return {f"{name}={value}": "" for value in dictionary.enums.get(enum, ())}


def _stages(args, prefix):
    from dorn.dictionary import Ack

    before = prefix[: prefix.rfind(",") + 1]
    return {before + flag.name.lower(): "" for flag in Ack}


def _procedures(args, prefix):
    from dorn.operator.procedure import shipped

    return dict.fromkeys(shipped(), "")


def _timelines(args, prefix):
    from dorn.ground.lander import shipped

    return dict.fromkeys(shipped(), "")


def _services(args, prefix):
    from dorn.dictionary import Dictionary

    return dict.fromkeys(Dictionary.load().optional, "")


def _targets(args, prefix):
    return {"unix": "MicroPython's unix port", "rp2040": "an emulated Pico"}


# (command, argument) or argument -> its names: name -> description, by the arguments before it and what is typed of it
_NAMES = {
    ("dorn tc", "name"): _telecommands,
    ("dorn tc", "fields"): _fields,
    ("dorn tc", "ack"): _stages,
    ("dorn procedure", "file"): _procedures,
    ("dorn lander", "timeline"): _timelines,
    ("dorn flash", "without"): _services,
    "target": _targets,
}
