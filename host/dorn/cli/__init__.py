"""The `dorn` command. Its exit statuses are in commands.STATUSES, which `dorn --help` prints.

Everything else is imported inside `main`, so that Ctrl-C during an import is also caught.
"""

import errno
import os
import sys


def main(argv=None):
    """Run one command and return its exit status; `argv` without the program's name."""
    try:
        return _main(argv)
    except KeyboardInterrupt:
        print("dorn: stopped", file=sys.stderr)
        return 130


def _main(argv):
    from dorn.cli import commands
    from dorn.errors import UserError

    try:
        try:
            args = commands.parse(sys.argv[1:] if argv is None else argv)
            return args.command(args) or 0
        finally:
            sys.stdout.flush()  # raises BrokenPipeError here rather than when Python exits
    except UserError as error:
        print(f"dorn: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `dorn study ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:  # while writing any output
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        print(f"dorn: {error.filename or 'output'}: cannot be written: {error.strerror}", file=sys.stderr)
        return 2
