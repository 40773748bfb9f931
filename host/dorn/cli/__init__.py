"""The `dorn` command.

Exit status: 0 done, 1 a bound of a study or of the budget is broken, or the instrument refused or did not do what it
should, 2 an error of the input (one line on stderr says which), 130 stopped with Ctrl-C, 141 nobody reads the output.
"""

import argparse
import os
import re
import sys

from dorn.cli import board, ground, lab, operate, verify
from dorn.errors import UserError


def main(argv=None):
    """Run one command and return its exit status; `argv` without the program's name."""
    try:
        args = _parser().parse_args(argv)
        return args.command(args) or 0
    except UserError as error:
        print(f"dorn: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("dorn: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `dorn study ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


class _Parser(argparse.ArgumentParser):
    """Reports a wrong argument like every other error of the input: in one line, without the usage."""

    def __init__(self, **settings):
        super().__init__(**settings)
        # after --calibration "-77.2,12.8" is a value; argparse would let only a plain "-77.2" be one
        self._negative_number_matcher = re.compile(r"-\.?\d")

    def error(self, message):
        raise UserError(f"{message} (see {self.prog} --help)")


class _Version(argparse.Action):
    """Prints the version of the host tools and of the firmware that they flash, which is one."""

    def __call__(self, parser, *_):
        from dorn.image.firmware import version  # not for every command: it takes time

        print(f"dorn {version()}")
        parser.exit()


def _parser():
    parser = _Parser(prog="dorn", description="Flight software of a DORN-style alpha spectrometer: host tools")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    parser.set_defaults(command=lambda args: parser.print_help())
    commands = parser.add_subparsers(metavar="COMMAND")
    lab.add(commands)
    ground.add_dictionary(commands)
    operate.add(commands)
    ground.add(commands)
    board.add(commands)
    verify.add(commands)
    return parser
