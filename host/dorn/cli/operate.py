"""`dorn downlink`, `dorn tc`, `dorn shell` and `dorn procedure`: their arguments, and what they print."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from dorn.cli import options
from dorn.dictionary import Ack, Dictionary
from dorn.errors import UserError
from dorn.link import archive
from dorn.operator import lines, parsing, procedure, statements, telecommands
from dorn.util.checks import above_zero, at_least, text_of
from dorn.util.paths import check_directory

ACKNOWLEDGEMENTS = {str(flag.name).lower(): flag for flag in Ack}


def add(commands) -> None:
    """The commands' arguments, to the subparsers of `dorn`."""
    telemetry = "telemetry.ccsds there is begun, or goes on"

    downlink = commands.add_parser("downlink", help="complete an archive from what the instrument has stored")
    downlink.set_defaults(command=_downlink)
    add = downlink.add_argument
    add("--target", required=True, help=options.TARGET)
    add("--out", type=Path, required=True, metavar="DIR", help=telemetry)
    options.add_key(downlink)

    tc = commands.add_parser("tc", help="send one telecommand and print what the instrument answers")
    tc.set_defaults(command=_tc)
    tc.add_argument("name", nargs="?", metavar="NAME", help="of a telecommand")
    tc.add_argument("fields", nargs="*", metavar="FIELD=VALUE", help="decimal, 0x..., or the name of a value")
    tc.add_argument("--target", help=options.TARGET)
    options.add_key(tc)
    tc.add_argument("--list", action="store_true", help="print all telecommands, or NAME, and all parameters")
    tc.add_argument("--limit", metavar="S", help="within which it completes (default 10)")
    tc.add_argument("--wait", default="0", metavar="S", help="go on printing for so long (default %(default)s)")
    tc.add_argument(
        "--ack",
        default="acceptance",
        metavar="STAGE,...",
        help="the reports of success to ask for besides completion: acceptance, start, progress (default %(default)s)",
    )

    shell = commands.add_parser("shell", help="telecommands from a prompt, or from a pipe; telemetry as it comes")
    shell.set_defaults(command=_shell)
    shell.add_argument("--target", required=True, help=options.TARGET)
    options.add_key(shell)
    shell.add_argument("--out", type=Path, metavar="DIR", help=telemetry)

    carry_out = commands.add_parser(
        "procedure",
        help="carry out a written sequence of telecommands and conditions",
        epilog=f"One statement a line, # begins a comment: {'; '.join(statements.GRAMMAR.values())}.",
    )
    carry_out.set_defaults(command=_procedure)
    carry_out.add_argument("file", metavar="FILE", help=f"a file, or one of {', '.join(procedure.shipped())}")
    carry_out.add_argument("--target", required=True, help=options.TARGET)
    options.add_key(carry_out)
    carry_out.add_argument("--out", type=Path, metavar="DIR", help=telemetry)


@contextlib.contextmanager
def _connected(args, out: Path | None = None) -> Iterator:
    """A connected session with the target and the key of the arguments, archived into `out`."""
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
    from dorn.session.downlink import Downlink

    with _connected(args, args.out) as session:
        result = Downlink(session).complete()
    print(
        f"{args.out / archive.NAME} is complete: {result.received} records, {result.requests} requests,"
        f" {result.repeated} came again, {result.lost} lost"
    )


def _tc(args) -> int:
    dictionary = Dictionary.load()
    if args.list:
        print("\n".join(_listed(args.name, dictionary)))
        return 0
    if args.name is None:
        raise UserError("tc: NAME: is missing (see dorn tc --list)")
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
    if name is None:
        return lines.all_commands(dictionary)
    found = lines.about(name, dictionary)
    if not found:
        raise UserError.at("tc", "NAME", "nothing of this name", name)
    return found


def _acknowledgements(text: str) -> int:
    ack = Ack.COMPLETION  # always asked for: it ends the wait
    for stage in filter(None, text.split(",")):
        if stage not in ACKNOWLEDGEMENTS:
            raise UserError.at("--ack", "STAGE", f"not one of {', '.join(ACKNOWLEDGEMENTS)}", stage)
        ack |= ACKNOWLEDGEMENTS[stage]
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
    dictionary = Dictionary.load()
    path = procedure.find(args.file)
    steps = parsing.parse_all(text_of(path), path, dictionary)
    with _connected(args, args.out) as session:
        return 0 if procedure.run(session, steps) else 1
