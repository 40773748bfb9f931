"""`dorn tc`, `dorn shell`, `dorn procedure` and `dorn downlink`: arguments and output."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dorn.cli import options
from dorn.cli.parser import Commands, listed, wrapped
from dorn.errors import UserError
from dorn.util.checks import above_zero, at_least, text_of
from dorn.util.paths import check_directory

if TYPE_CHECKING:
    from dorn.dictionary import Dictionary


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    tc = commands.add(
        "tc",
        _tc,
        "send one telecommand and print what the instrument reports",
        examples=(
            "dorn tc --list                # all telecommands and parameters",
            "dorn tc --list set_parameter  # one of them",
            "dorn tc --target /dev/ttyACM0 set_parameter parameter=threshold_3 value=200",
        ),
    )
    tc.add_argument("name", nargs="?", metavar="NAME", help="name of a telecommand")
    tc.add_argument("fields", nargs="*", metavar="FIELD=VALUE", help="decimal, 0x..., or the name of a value")
    tc.add_argument("--target", help=options.TARGET)
    options.add_key(tc)
    tc.add_argument("--list", action="store_true", help="print NAME, or all telecommands and parameters")
    tc.add_argument("--limit", metavar="S", help="seconds within which it must complete (default 15)")
    tc.add_argument(
        "--wait", default="0", metavar="S", help="seconds to print telemetry afterwards (default %(default)s)"
    )
    tc.add_argument(
        "--ack",
        default="acceptance",
        metavar="STAGE,...",
        help="success reports to request besides completion: acceptance, start, progress (default %(default)s)",
    )

    shell = commands.add(
        "shell",
        _shell,
        "send telecommands from a prompt or a pipe, and print telemetry",
        examples=(
            "dorn shell --target /dev/ttyACM0 --out pass7",
            "echo ping | dorn shell --target unix",
        ),
    )
    options.add_session(shell)

    procedure = commands.add(
        "procedure",
        _procedure,
        "run a written sequence of telecommands and conditions",
        notes=_procedure_notes,
        examples=(
            "dorn procedure commissioning --target unix",
            "dorn procedure my_procedure.txt --target /dev/ttyACM0 --out pass7",
        ),
    )
    procedure.add_argument("file", metavar="FILE", help="a file, or the name of one of the procedures below")
    options.add_session(procedure)

    downlink = commands.add(
        "downlink",
        _downlink,
        "request the stored packets that an archive lacks",
        examples=("dorn downlink --target /dev/ttyACM0 --out pass7",),
    )
    options.add_session(downlink, out_required=True)


def _procedure_notes() -> list[str]:
    from dorn.operator.procedure import shipped
    from dorn.operator.statements import GRAMMAR

    return [
        wrapped(f"procedures: {', '.join(shipped())}", "  "),
        listed(
            "statements, one per line (# starts a comment)",
            (form for forms in GRAMMAR.values() for form in forms.split(", or ")),
        ),
    ]


@contextlib.contextmanager
def _connected(args, out: Path | None = None) -> Iterator:
    """A connected session with the target and the key of the arguments, archived in `out`."""
    from dorn.link import archive
    from dorn.session import Session
    from dorn.targets import open_target

    if out is not None:
        check_directory(out)
    key = options.key_of(args)
    with open_target(args.target) as target, contextlib.closing(Session(target, key=key)) as session:
        session.connect()
        if out is not None:
            session.record(out / archive.NAME, keep=True)
        yield session


def _downlink(args):
    from dorn.link import archive
    from dorn.session.downlink import Downlink

    with _connected(args, args.out) as session:
        result = Downlink(session).complete()
    print(
        f"{args.out / archive.NAME} is complete: {result.received} records, {result.requests} requests,"
        f" {result.repeated} repeated, {result.lost} lost"
    )


def _tc(args) -> int:
    from dataclasses import replace

    from dorn.dictionary import Dictionary

    dictionary = Dictionary.load()
    if args.list:
        print("\n".join(_listed(args.name, dictionary)))
        return 0
    if args.name is None:
        raise UserError("tc: NAME: is missing (see dorn tc --list)")

    from dorn.operator import lines, statements, telecommands

    send = telecommands.telecommand([args.name, *args.fields], dictionary)
    if args.limit is not None:
        send = replace(send, limit_s=above_zero(args.limit, "--limit", "S"))
    wait_s = at_least(0, args.wait, "--wait", "S")
    ack = _acknowledgements(args.ack)
    if args.target is None:
        raise UserError(f"tc: --target: is missing; {args.name} was not sent")

    from dorn.operator.running import Runner
    from dorn.targets import TargetError

    with _connected(args) as session:
        runner = Runner(session, ack)
        runner.on_packet = lambda packet: print(lines.packet_line(packet, dictionary), flush=True)
        status = 0
        try:
            runner.run(send)
        except TargetError as error:
            print(f"dorn: {error}", file=sys.stderr)
            status = 1
        if wait_s:
            runner.run(statements.Wait(wait_s))
    return status


def _listed(name: str | None, dictionary: Dictionary) -> list[str]:
    from dorn.operator import lines

    if name is None:
        return lines.all_commands(dictionary)
    found = lines.about(name, dictionary)
    if not found:
        raise UserError.at("tc", "NAME", "no entry with this name", name)
    return found


def _acknowledgements(text: str) -> int:
    from dorn.dictionary import Ack

    stages = {str(flag.name).lower(): flag for flag in Ack}
    ack = Ack.COMPLETION  # always requested: it ends the wait
    for stage in filter(None, text.split(",")):
        if stage not in stages:
            raise UserError.at("--ack", "STAGE", f"not one of {', '.join(stages)}", stage)
        ack |= stages[stage]
    return ack


def _shell(args) -> int:
    from dorn.operator.shell import Shell

    with _connected(args, args.out) as session:
        shell = Shell(session)
        if sys.stdin.isatty():
            shell.converse()
            return 0
        return shell.run_all(sys.stdin.fileno())


def _procedure(args) -> int:
    from dorn.dictionary import Dictionary
    from dorn.operator import parsing, procedure

    dictionary = Dictionary.load()
    path = procedure.find(args.file)
    steps = parsing.parse_all(text_of(path), path, dictionary)
    with _connected(args, args.out) as session:
        return 0 if procedure.run(session, steps) else 1
