"""`dorn key`, `dorn flash`, `dorn emulate` and `dorn levels`: arguments and output."""

from pathlib import Path

from dorn.cli import options
from dorn.cli.parser import Commands, wrapped
from dorn.errors import UserError
from dorn.util.checks import above_zero
from dorn.util.extras import missing
from dorn.util.paths import check_directory


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    flash = commands.add(
        "flash",
        _flash,
        "copy the firmware to a board that runs MicroPython",
        notes=lambda: [
            wrapped(
                "A key on the board stays there unless --key gives another one; remove it with `mpremote rm :key` while"
                " the board is at its prompt. dorn never reads it back. An instrument that has a key stops only for"
                " telecommands signed with it: without --key, switch its power off and on when asked. Do not return to"
                " an earlier key, because telecommands signed with it could be sent again."
            )
        ],
        examples=(
            "dorn flash --board pico",
            "dorn flash --board pico --port /dev/ttyACM0 --check",
            "dorn flash --board stimulus --port /dev/ttyACM1",
            "dorn flash --board pico --link uart --key flight.key --without rates",
        ),
    )
    add = flash.add_argument
    add("--board", required=True, metavar="NAME", help="pico, or another folder of boards/; stimulus")
    add("--port", default="auto", help="serial port or URL; auto: the only board connected (default %(default)s)")
    add("--check", action="store_true", help="only list differences (exit status 1 if any); restarts the instrument")
    add("--without", action="append", default=[], metavar="SERVICE", help="leave out an optional service; repeatable")
    add(
        "--link",
        choices=("usb", "uart"),
        default="usb",
        help="link of the instrument; uart: the flight link (default usb)",
    )
    add("--key", metavar="FILE", help="copy this key to the board, which then accepts signed telecommands only")

    emulate = commands.add(
        "emulate",
        _emulate,
        "run a simulated instrument to which other programs can connect",
        notes=lambda: [
            wrapped(
                "rp2040, an emulated Pico, has both ports of a board, and the prompt that dorn flash needs. unix, the"
                " firmware on MicroPython's unix port, is much faster; it has one link, and no prompt."
            )
        ],
        examples=(
            "dorn emulate",
            "dorn emulate --stimulus",
            "dorn emulate --blank --tcp 5000 --flash pico-flash",
            "dorn emulate --target unix --tcp 5000 --speed 10",
        ),
    )
    emulate.add_argument("--target", choices=("rp2040", "unix"), default="rp2040", help="default: %(default)s")
    where = emulate.add_mutually_exclusive_group()
    where.add_argument("--pty", action="store_true", help="provide its ports as pseudo-terminals (default)")
    where.add_argument(
        "--tcp",
        metavar="PORT",
        help="serve its USB port on this local TCP port, the others on the next; 0: any free ports",
    )
    emulate.add_argument(
        "--stimulus", action="store_true", help="wire an emulated stimulus board to it, in the place of the head"
    )
    emulate.add_argument("--flash", type=Path, metavar="DIR", help="save its flash image here (default: discard it)")
    emulate.add_argument(
        "--blank", action="store_true", help="start a Pico, and its stimulus board, with an empty file system"
    )
    emulate.add_argument(
        "--speed", default="1", metavar="X", help="maximum speed relative to real time (default %(default)s)"
    )

    levels = commands.add(
        "levels",
        _levels,
        "measure the levels of a stimulus board with the instrument",
        notes=lambda: [
            wrapped(
                "The table is valid for these two boards and this ladder. pytest hil takes the levels.toml of the"
                " folder where it is started, or that of --levels. Meanwhile all detectors are on and their thresholds"
                " are 0; they are restored at the end, and after Ctrl-C."
            )
        ],
        examples=("dorn levels --target /dev/ttyACM0 --stimulus /dev/ttyACM1", "dorn levels --target pair"),
    )
    add = levels.add_argument
    add("--target", required=True, help="port or URL of the instrument; pair, two emulated boards")
    add("--stimulus", metavar="PORT", help="port or URL of the stimulus board")
    add("--out", type=Path, metavar="FILE", help="file for the table (default levels.toml)")
    add("--pulses", default="64", metavar="N", help="pulses at each level, 1 to 1000 (default %(default)s)")
    add("--force", action="store_true", help="replace a table that already exists")

    key = commands.add(
        "key",
        _key,
        "make a key that signs telecommands",
        examples=("dorn key flight.key", "dorn key spare.key --number 2"),
    )
    key.add_argument("file", metavar="FILE", help="new file, which only you can read")
    key.add_argument("--number", default="1", metavar="N", help="number of the key, 0 to 255 (default %(default)s)")


def _key(args):
    from dorn.link.key import Key

    if not (args.number.isascii() and args.number.isdecimal() and len(args.number) < 4 and int(args.number) < 256):
        raise UserError.at("--number", "N", "not a whole number from 0 to 255", args.number)
    key = Key.create(args.file, int(args.number))
    print(f"{key.path}: key {key.number}; keep a copy in a safe place, and copy it to the board with dorn flash --key")


def _levels(args):
    from tqdm import tqdm

    from dorn.session import levels
    from dorn.session.instrument import Instrument
    from dorn.targets import ladder
    from dorn.targets.boards import open_boards

    pulses = int(args.pulses) if args.pulses.isascii() and args.pulses.isdecimal() and len(args.pulses) < 5 else 0
    if not 1 <= pulses <= 1000:
        raise UserError.at("--pulses", "N", "not a whole number from 1 to 1000", args.pulses)
    out = args.out or Path(ladder.FILE)
    ladder.check_new(out, args.force)
    with open_boards(args.target, args.stimulus) as (target, board):
        board.connect()
        try:
            board.check_firmware()
        except ImportError as error:
            raise missing(f"levels: {error}", "flash") from None
        instrument = Instrument(target)
        instrument.connect()
        with tqdm(total=ladder.LEVELS, unit="level", disable=None) as bar:
            table = levels.measure(instrument, board, pulses, lambda n: bar.update(n - bar.n))
    table.write(out, args.force)
    for line in levels.summary(table):
        print(line)
    print(f"{out}: {ladder.LEVELS} levels")


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
    speed = above_zero(args.speed, "--speed", "X")
    if args.flash:
        check_directory(args.flash, "--flash")
        try:
            args.flash.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError.at("--flash", "DIR", f"cannot be created: {error.strerror}", str(args.flash)) from None
    with emulate.board(args.target, args.flash, args.blank, args.stimulus) as board:
        number = args.tcp and int(args.tcp)
        ports = {}
        for n, name in enumerate(board.ports):
            ports[name] = emulate.PseudoTerminal() if number is None else emulate.Tcp(number and number + n)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # its flash is saved after this signal too
        what = "emulated Pico" if args.target == "rp2040" else "firmware on MicroPython's unix port"
        print(f"{what} on {ports['usb'].name}, until Ctrl-C", flush=True)
        for name, what in (("uart", "its flight link"), ("stimulus", "its stimulus board")):
            if name in ports:
                print(f"{what} on {ports[name].name}", flush=True)
        emulate.serve(board, ports, speed=speed)
