"""`dorn live`: arguments and output."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dorn.cli import options
from dorn.cli.options import HERE
from dorn.cli.parser import Commands
from dorn.errors import UserError
from dorn.util.checks import above_zero
from dorn.util.extras import missing
from dorn.util.paths import check_directory

if TYPE_CHECKING:
    from dorn.live.server import PageServer

PORT = "8091"
_NOTE = """\
The page shows what is in the archive, calibrated by the calibration.toml beside it, and follows the archive
while it grows. It requests the spectra it shows; other telecommands are sent only if --command is given, for
browsers that have the token in the printed URL."""


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    live = commands.add(
        "live",
        _live,
        "show an instrument or an archive in the browser",
        notes=lambda: [_NOTE],
        examples=(
            "dorn live --target unix                     # a simulated instrument",
            "dorn live dorn-demo                         # the archive in a folder",
            "dorn live out/telemetry.ccsds --speed 600   # replayed, 10 min per second",
            "dorn live --target bridge://127.0.0.1:10036 --out out --command",
        ),
    )
    add = live.add_argument
    add("archive", nargs="?", type=Path, metavar="ARCHIVE", help="telemetry.ccsds, or its folder; also a growing one")
    options.add_instrument(live, required=False, or_speed="; with ARCHIVE: speed of the replay (default: all at once)")
    add("--out", type=Path, metavar="DIR", help=f"with --target: {options.ARCHIVE} (default: not saved)")
    options.add_calibration(live)
    options.add_lines(live)
    add_page(live)
    add("--command", action="store_true", dest="with_commands", help="with --target: let the page send telecommands")


def add_page(command) -> None:
    """Add --port and --host."""
    command.add_argument("--port", default=PORT, metavar="N", help="of the page; 0: a free port (default %(default)s)")
    command.add_argument("--host", default=HERE, metavar="ADDRESS", help="serve on this address (default %(default)s)")


def port_of(text: str, option: str = "--port") -> int:
    """Raises UserError if it is not a port number."""
    if not (text.isascii() and text.isdecimal() and int(text) < 65536):
        raise UserError.at(option, "N", "not a port from 0 to 65535", text)
    return int(text)


def page(
    args, path: Path, commander=None, speed: float = 0.0, host: str = HERE, port: int = int(PORT), lines=()
) -> PageServer:
    """The page of an archive, as a context. lines: nuclides whose lines are shown at first.

    Raises UserError if Bokeh is missing or a file cannot be used."""
    import secrets

    from dorn.dictionary import Dictionary
    from dorn.live.player import Player
    from dorn.live.shared import Shared, beside

    dictionary = Dictionary.load()
    calibration = options.calibration_of(args) or beside(path, dictionary.instrument)
    token = secrets.token_urlsafe(16) if commander and args.with_commands else ""
    if ":" in host:
        raise UserError.at("--host", "ADDRESS", "not an IPv4 address or a name", host)
    local = host in (HERE, "localhost")
    if not local:
        print(f"--host {host}: anyone who reaches this address can see the page", file=sys.stderr)
    title = args.target if commander else path.parent.name or str(path)
    is_temporary = commander is not None and args.out is None
    shared = Shared(title, Player(path, dictionary, speed), calibration, local, commander, is_temporary, tuple(lines))
    return _server()(shared, host, port, token)


def _server():
    """The class that serves the page. Raises UserError if Bokeh is missing."""
    try:
        from dorn.live.server import PageServer
    except ImportError as error:
        raise missing(f"live page: {error}", "live") from None
    return PageServer


@contextlib.contextmanager
def of_run(args, lines=()):
    """The page of a run until it ends, for `dorn run --live-page`."""
    if getattr(args, "live_page", None) is None:
        yield
        return
    from dorn.link.archive import NAME
    from dorn.session.recorder import check_new

    port = port_of(args.live_page, "--live-page")
    if not args.force:
        check_new(args.out / NAME)
    with page(args, args.out / NAME, port=port, lines=lines) as served:
        print(f"live page on {served.url}, until the end of the run; `dorn live {args.out}` shows it again", flush=True)
        served.play()
        yield


def _live(args):
    import signal
    import threading

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    port = port_of(args.port)
    _server()  # fail now if Bokeh is missing, not after connecting to an instrument
    if (args.archive is None) == (args.target is None):
        raise UserError.at("live", "ARCHIVE", "give either an archive or --target", args.target)
    if args.target:
        return _instrument(args, port)
    given = {"command": args.with_commands, **{n: getattr(args, n) for n in ("out", "source", "flash", "key")}}
    for option, value in given.items():
        if value:
            raise UserError.at("live", f"--{option}", "only with --target", str(value))
    from dorn.link.archive import NAME
    from dorn.products import run_file

    path = args.archive / NAME if args.archive.is_dir() else args.archive
    if not path.exists():
        raise UserError.at(path, "file", "does not exist")
    speed = above_zero(args.speed, "--speed", "X") if args.speed else 0.0
    lines = options.lines_of(args)
    if lines is None:
        lines = (run_file.read(path)[0] or {}).get("lines") or ()
    with page(args, path, speed=speed, host=args.host, port=port, lines=lines) as served:
        print(f"{path} on {served.url}, until Ctrl-C", flush=True)
        served.player.begin()
        served.play()
        threading.Event().wait()


def _instrument(args, port: int):
    import tempfile

    from dorn.head import sources
    from dorn.link.archive import NAME
    from dorn.live.instrument import LiveInstrument, is_acquiring
    from dorn.session import Session
    from dorn.targets import NAMES

    if args.out:
        check_directory(args.out)
    key, lines = options.key_of(args), options.lines_of(args)
    if lines is None and args.target in NAMES:
        lines = sources.load(args.source or sources.DEMO).lines
    with contextlib.ExitStack() as stack:
        out = args.out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dorn-live-")))
        target = stack.enter_context(options.target_of(args))
        session = stack.enter_context(contextlib.closing(Session(target, key=key)))
        session.connect()
        session.record(out / NAME, keep=True)
        instrument = LiveInstrument(session)
        served = stack.enter_context(page(args, out / NAME, instrument, host=args.host, port=port, lines=lines or ()))
        served.play()
        if not target.in_real_time and not is_acquiring(session.connect()):
            instrument.begin()
        kept = f"recorded to {out / NAME}" if args.out else "not saved (give --out DIR)"
        print(f"{target.name} on {served.url}, {kept}, until Ctrl-C", flush=True)
        instrument.serve(args.speed)
