"""`dorn key`, `dorn flash` and `dorn emulate`: their arguments, and what they print."""

from pathlib import Path

from dorn.cli import options
from dorn.errors import UserError
from dorn.util.extras import missing
from dorn.util.paths import check_directory


def add(commands) -> None:
    """The commands' arguments, to the subparsers of `dorn`."""
    key = commands.add_parser("key", help="make a key that signs telecommands")
    key.set_defaults(command=_key)
    key.add_argument("file", metavar="FILE", help="where it is kept, readable to you only; it must not be there")
    key.add_argument("--number", default="1", metavar="N", help="which key it is, 0 to 255 (default %(default)s)")

    flash = commands.add_parser(
        "flash",
        help="put the firmware onto a board with MicroPython",
        epilog="A key that is on the board stays there, unless --key has another one: take it away with"
        " `mpremote rm :key`, at the prompt. It is never read back. Without --key a running instrument with a key"
        " does not stop by itself: switch it off and on when you are asked to. Do not go back to an earlier key:"
        " what it signed could be sent again.",
    )
    flash.set_defaults(command=_flash)
    add = flash.add_argument
    add("--board", required=True, metavar="NAME", help="pico")
    add("--port", default="auto", help="serial port or URL; auto: the only board there is (default %(default)s)")
    add("--check", action="store_true", help="only say what differs (exit status 1 then); the instrument is restarted")
    add("--without", action="append", default=[], metavar="SERVICE", help="leave out an optional service; repeatable")
    add("--link", choices=("usb", "uart"), default="usb", help="what it speaks on; uart: the flight link (default usb)")
    add("--key", metavar="FILE", help="put this key (dorn key) on the board: it takes signed telecommands only, then")

    emulate = commands.add_parser("emulate", help="an emulated Pico on a port, for dorn flash and dorn run")
    emulate.set_defaults(command=_emulate)
    where = emulate.add_mutually_exclusive_group()
    where.add_argument("--pty", action="store_true", help="its ports are pseudo-terminals (default)")
    where.add_argument(
        "--tcp", metavar="PORT", help="its USB port is a TCP port of this machine, its flight link the next one; 0: any"
    )
    emulate.add_argument("--flash", type=Path, metavar="DIR", help="where its file system is kept (default: nowhere)")
    emulate.add_argument("--blank", action="store_true", help="start with an empty file system")


def _key(args):
    from dorn.link.key import Key

    if not (args.number.isascii() and args.number.isdecimal() and len(args.number) < 4 and int(args.number) < 256):
        raise UserError.at("--number", "N", "not a whole number from 0 to 255", args.number)
    key = Key.create(args.file, int(args.number))
    print(f"{key.path}: key {key.number}; keep a copy where nobody else reads it, and put it on the board: dorn flash")


def _flash(args):
    try:
        from dorn.flash import flashing
    except ImportError as error:
        raise missing(f"flash: {error}", "flash") from None
    key = options.key_of(args)
    return flashing.flash(args.board, args.port, args.without, args.check, args.link, key)


def _emulate(args):
    import signal

    from dorn.targets import emulate

    if args.tcp is not None and not args.tcp.isdecimal():
        raise UserError.at("--tcp", "PORT", "not a whole number", args.tcp)
    if args.flash:
        check_directory(args.flash, "--flash")
        try:
            args.flash.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError.at("--flash", "DIR", f"cannot be made: {error.strerror}", str(args.flash)) from None
    with emulate.board(args.flash, args.blank) as board:
        if args.tcp is None:
            ports = {"usb": emulate.PseudoTerminal(), "uart": emulate.PseudoTerminal()}
        else:
            number = int(args.tcp)
            ports = {"usb": emulate.Tcp(number), "uart": emulate.Tcp(number and number + 1)}
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # its file system is kept, however it is stopped
        print(f"emulated Pico on {ports['usb'].name}, until Ctrl-C", flush=True)
        print(f"its flight link on {ports['uart'].name}", flush=True)
        emulate.serve(board, ports)
