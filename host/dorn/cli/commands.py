"""The table of all commands, and the help text of `dorn` itself."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterable, Sequence
from importlib import import_module

from dorn.cli.parser import Commands, Parser, joined, listed

# title in the help -> command -> its file; only the file of the command in use is imported
GROUPS = {
    "Get started": {"demo": "lab", "live": "live", "completion": "completion"},
    "Run and record": {"run": "lab", "decode": "lab"},
    "Analyse": {"calibrate": "calibrate", "analyse": "analyse"},
    "Hand on": {"export": "export", "report": "export"},
    "Operate": {"tc": "operate", "shell": "operate", "procedure": "operate", "downlink": "operate"},
    "Ground segment": {"dictionary": "ground", "bridge": "ground", "yamcs": "ground", "lander": "ground"},
    "Board": {"flash": "board", "emulate": "board", "key": "board", "levels": "board"},
    "Verify": {"study": "verify", "bench": "verify"},
}
STATUSES = {
    0: "done",
    1: "the instrument refused or failed, or a result is out of bounds",
    2: "wrong input, or a full disk; one line on stderr says what is wrong",
    130: "stopped by Ctrl-C",
    141: "the reader of the output has exited, as in `dorn study ... | head`",
}
_EXAMPLES = (
    "dorn demo                                # one minute of radon; see dorn-demo/",
    "dorn run am241.spe --rate 100 --out out  # a measured spectrum, simulated",
    "dorn tc --target /dev/ttyACM0 ping       # a telecommand to a board",
)


class _Version(argparse.Action):
    """Prints the version, which host tools and firmware share."""

    def __call__(self, parser, *_):
        from dorn.image.firmware import version

        print(f"dorn {version()}")
        parser.exit()


def parser(modules: Iterable[str] | None = None) -> Parser:
    """The parser of `dorn` with all commands, or with those of the given files."""
    top = Parser(
        prog="dorn",
        usage="dorn COMMAND ...",
        description="Host tools of DORN-FSW, flight software for an alpha spectrometer.\n"
        "`dorn COMMAND --help` has the options and examples of a command.",
        examples=_EXAMPLES,
        notes=lambda: [
            *(
                listed(title, (f"{name:<11} {commands.about[name]}" for name in group))
                for title, group in GROUPS.items()
            ),
            listed("exit status", (f"{status:<11} {meaning}" for status, meaning in STATUSES.items())),
        ],
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    top.set_defaults(command=lambda args: top.print_help())
    commands = Commands(top)
    for module in modules or dict.fromkeys(module for group in GROUPS.values() for module in group.values()):
        import_module(f"dorn.cli.{module}").add(commands)
    return top


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the arguments of one command. In the result, `command` is the function that runs it, `entered` the line.

    Raises UserError for a wrong argument.
    """
    if "_ARGCOMPLETE" in os.environ:  # set by the script of `dorn completion` when Tab is pressed
        from dorn.cli.names import complete

        complete(parser())
    modules = [group[argv[0]] for group in GROUPS.values() if argv and argv[0] in group]
    args = parser(modules).parse_args(joined(argv))
    args.entered = shlex.join(["dorn", *argv])
    return args
