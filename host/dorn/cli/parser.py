"""The parser of `dorn`: commands in groups, errors in one line, notes and examples below the options."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable
from typing import NoReturn

from dorn.errors import UserError

_VALUE = re.compile(r"-\.?\d")


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises a UserError of one line, without the usage.

    examples: command lines, with or without a comment. notes: returns the paragraphs above them; it is called only when
    the help is printed, because it may import slow modules.
    """

    def __init__(self, examples: Iterable[str] = (), notes: Callable[[], Iterable[str]] = tuple, **settings):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **settings)
        self.examples = examples
        self.notes = notes

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} (see {self.prog} --help)")

    def format_help(self) -> str:
        self.epilog = "\n\n".join([*self.notes(), listed("examples", self.examples)])
        return super().format_help()


class Commands:
    """The commands added so far. about: command -> its description, one line."""

    def __init__(self, parser: Parser):
        self.about: dict[str, str] = {}
        # argparse would list the commands without their groups
        self._parsers = parser.add_subparsers(prog=parser.prog, metavar="COMMAND", help=argparse.SUPPRESS)

    def add(self, name: str, run: Callable, about: str, **settings) -> Parser:
        """Add a command and return its parser, for its arguments. run(args) returns the exit status, or None for 0."""
        self.about[name] = about
        parser = self._parsers.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.", **settings)
        parser.set_defaults(command=run)
        return parser


def listed(title: str, lines: Iterable[str]) -> str:
    """A heading with indented lines, in the style of argparse."""
    return "\n".join([f"{title}:", *(f"  {line}" for line in lines)])


def wrapped(text: str, indent: str = "") -> str:
    """A paragraph as wide as those of argparse."""
    import shutil
    import textwrap

    width = shutil.get_terminal_size().columns - 2
    return textwrap.fill(text, width, subsequent_indent=indent, break_on_hyphens=False)


def joined(argv: Iterable[str]) -> list[str]:
    """`--calibration -77.2,12.8` as `--calibration=-77.2,12.8`.

    argparse accepts a negative number as the value of an option, but mistakes two with a comma for another
    option. No option of dorn begins with a digit.
    """
    words: list[str] = []
    for word in argv:
        if words and re.fullmatch(r"--\w[\w-]*", words[-1]) and _VALUE.match(word):
            words[-1] += f"={word}"
        else:
            words.append(word)
    return words
