"""The `dorn` command.

Exit status: 0 done, 1 a bound of a study or of the budget is broken, or the instrument refused or did not do what it
should, 2 an error of the input (one line on stderr says which), 130 stopped with Ctrl-C, 141 nobody reads the output.
"""

import argparse
import os
import re
import sys
from pathlib import Path

from dorn import proofs as proof_commands
from dorn.errors import UserError
from dorn.ground import commands as ground_commands
from dorn.head import sources
from dorn.head.arrivals import SPACINGS
from dorn.operator import commands as operator_commands
from dorn.util.checks import above_zero, at_least
from dorn.util.paths import check_directory

REAL_DETECTORS = "-"  # in place of a source
DEMO = Path(__file__).with_name("demo.toml")


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


def _parser():
    parser = _Parser(prog="dorn", description="Flight software of a DORN-style alpha spectrometer: host tools")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="play a source into the instrument and decode what it sends")
    run.set_defaults(command=_run)
    add = run.add_argument
    add(
        "source",
        metavar="SOURCE",
        help="spectrum (.spe, .chn, .csv), events (.csv), scenario (.toml); - for real detectors",
    )
    add("--target", default="unix", help="unix, rp2040, a serial port or a URL (default %(default)s)")
    add("--rate", metavar="CPS", help="particles a second (default: the source's own)")
    add("--duration", metavar="S", help="seconds (default: the source's own)")
    add("--seed", default="1", metavar="N", help="of all random numbers (default %(default)s)")
    add("--spacing", choices=SPACINGS, default="poisson", help="of the particles (default %(default)s)")
    add("--replay", action="store_true", help="play every count of a measured spectrum exactly once")
    add("--calibration", metavar="OFFSET_KEV,KEV_PER_CHANNEL", help="in place of the one in a .spe or .chn file")
    add("--noise-kev", metavar="X", help="electronic noise of the head, FWHM in keV")
    add("--out", type=Path, required=True, metavar="DIR", help="where the files go")
    operator_commands.add_key(run)

    demo = commands.add_parser("demo", help="one minute of radon and its products, through the instrument")
    demo.set_defaults(command=_demo)
    demo.add_argument("--target", help="default: rp2040 where its image is there, else unix")
    demo.add_argument("--out", type=Path, default=Path("dorn-demo"), metavar="DIR", help="default %(default)s")

    decode = commands.add_parser("decode", help="decode an archive of telemetry packets")
    decode.set_defaults(command=_decode)
    decode.add_argument("file", metavar="FILE", help="space packets back to back, as telemetry.ccsds")
    decode.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files go")

    dictionary = commands.add_parser(
        "dictionary", help="export the packets and telecommands: XTCE, ccsdspy, COSMOS, and a document"
    )
    dictionary.set_defaults(command=_dictionary)
    dictionary.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files go")

    downlink = commands.add_parser("downlink", help="complete an archive from what the instrument has stored")
    downlink.set_defaults(command=_downlink)
    add = downlink.add_argument
    add("--target", required=True, help="unix, rp2040, a serial port or a URL")
    add("--out", type=Path, required=True, metavar="DIR", help="telemetry.ccsds there is begun, or goes on")
    operator_commands.add_key(downlink)

    operator_commands.add(commands)
    ground_commands.add(commands)

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

    proof_commands.add(commands)
    return parser


def _flash(args):
    try:
        from dorn.flash import flashing
    except ImportError as error:
        raise UserError(f"flash: {error}; pip install '.[flash]' in the clone") from None
    key = operator_commands.key_of(args)
    return flashing.flash(args.board, args.port, args.without, args.check, args.link, key)


def _key(args):
    from dorn.link.key import Key

    if not (args.number.isascii() and args.number.isdecimal() and len(args.number) < 4 and int(args.number) < 256):
        raise UserError.at("--number", "N", "not a whole number from 0 to 255", args.number)
    key = Key.create(args.file, int(args.number))
    print(f"{key.path}: key {key.number}; keep a copy where nobody else reads it, and put it on the board: dorn flash")


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


def _run(args):
    # converted here: argparse would put words of its own in place of what is wrong with the value
    if not (args.seed.isdecimal() and len(args.seed) < 19):
        raise UserError.at("--seed", "N", "not a whole number from 0 to 10^18", args.seed)
    for option, unit in (("rate", "CPS"), ("duration", "S")):
        value = getattr(args, option)
        if value is not None:
            setattr(args, option, above_zero(value, f"--{option}", unit))
    stream = {"spacing": args.spacing, "replay": args.replay, "seed": int(args.seed)}
    stream["key"] = operator_commands.key_of(args)
    if args.source == REAL_DETECTORS:
        source, rate_cps, duration_s = None, None, _real(args)
    else:
        calibration = args.calibration and sources.parse_calibration(args.calibration)
        source = sources.load(args.source, calibration)
        if args.noise_kev is not None:
            source.head["noise_kev"] = at_least(0, args.noise_kev, "--noise-kev", "X")
        rate_cps, duration_s = source.plan(args.rate, args.duration, args.replay)
        if args.replay:
            duration_s = None  # it ends with its last count
    _play(source, args.target, args.out, rate_cps=rate_cps, duration_s=duration_s, **stream)


def _real(args):
    """The duration of a run with real detectors, to which nothing can be dictated."""
    for option in ("rate", "replay", "calibration", "noise_kev"):
        value = getattr(args, option)
        if value not in (None, False):
            raise UserError.at("SOURCE", f"--{option.replace('_', '-')}", "real detectors take none", str(value))
    if args.duration is None:
        raise UserError.at("SOURCE", "--duration", "is missing: real detectors have no end", REAL_DETECTORS)
    sources.check("duration_s", args.duration)
    return args.duration


def _demo(args):
    from dorn.session import acquire

    source = sources.load(DEMO)
    target, why = (args.target, "") if args.target else acquire.default_target()
    print(f"demo on {target}: {source.duration_s:g} s at {source.rate_cps:.0f} particles a second")
    if why:
        print(f"not on the emulated Pico: {why}")
    stream = {"rate_cps": source.rate_cps, "duration_s": source.duration_s, "seed": 1}
    _play(source, target, args.out, **stream, spacing="poisson", replay=False)


def _play(source, target, out, **stream):
    """`run_source` writes telemetry.ccsds and the products into `out` and returns the summary. On Ctrl-C it
    leaves the archive readable, writes the products of what came, and raises KeyboardInterrupt again."""
    from dorn.session import acquire  # not above: `dorn decode` shall work without a simulator

    check_directory(out)
    _report(acquire.run_source(source=source, target_name=target, out=out, **stream), out)


def _decode(args):
    from dorn.dictionary import Dictionary
    from dorn.link import archive
    from dorn.products.products import Products

    check_directory(args.out)
    try:
        if not Path(args.file).read_bytes():
            raise UserError.at(args.file, "file", "is empty")
    except OSError as error:
        raise UserError.at(args.file, "file", f"cannot be read: {error.strerror}") from None
    dictionary = Dictionary.load()
    recording = archive.decode(args.file, dictionary)
    if not recording.packets:
        raise UserError.at(args.file, "packets", "none of this instrument", f"{recording.crc_errors} damaged")
    products = Products(dictionary)
    for packet in recording.packets:
        products.add(packet)
    link = {
        "packets": len(recording.packets),
        "sequence_gaps": recording.sequence_gaps,
        "crc_errors": recording.crc_errors,
    }
    _report(products.write(args.out, link=link), args.out)


def _dictionary(args):
    from dorn import exports
    from dorn.dictionary import Dictionary

    check_directory(args.out)
    for path in exports.write(Dictionary.load(), args.out):
        print(path)


def _downlink(args):
    import contextlib

    from dorn.session import Session
    from dorn.session.downlink import Downlink
    from dorn.targets import open_target

    check_directory(args.out)
    key = operator_commands.key_of(args)
    path = args.out / "telemetry.ccsds"
    with open_target(args.target) as target, contextlib.closing(Session(target, key=key)) as session:
        session.connect()
        session.record(path, keep=True)
        balance = Downlink(session).complete()
    print(
        f"{path} is complete: {balance.received} records, {balance.requests} requests, {balance.repeated} came again,"
        f" {balance.lost} lost"
    )


_NOT_RECORDED = {
    "lost_dead_time": "in dead time",
    "merged": "merged with another",
    "below_threshold": "below threshold",
    "over_range": "over range",
    "disabled": "of detectors switched off",
    "lost_overrun": "in ring overruns",
}
_DAMAGE = {
    "crc_errors": "damaged packets",
    "sequence_gaps": "gaps in the sequence",
    "incomplete_spectra": "incomplete spectra",
    "missing_in_spectra": "events not in the spectra that came",
}


def _report(summary, out):
    """What a person wants to know first; all of it is in summary.json."""

    def text(name, form=",d"):
        return "?" if summary[name] is None else format(summary[name], form).replace(",", " ")

    of = "" if summary["injected"] is None else f" of {text('injected')}"
    print(
        f"{text('recorded')}{of} pulses recorded, {text('live_time_s', '.2f')} s live of "
        f"{text('real_time_s', '.2f')} s, {text('packets')} packets; see {out / 'spectrum.png'}"
    )
    others = [f"{text(name)} {what}" for name, what in _NOT_RECORDED.items() if summary.get(name)]
    if others:
        print(f"not recorded: {', '.join(others)}")
    outside = sum(summary.get(name) or 0 for name in ("below_threshold", "over_range"))
    if outside > (summary.get("recorded") or 0):
        print("most pulses are below threshold or over range: is the calibration of the source right?")
    damage = [f"{text(name)} {what}" for name, what in _DAMAGE.items() if summary.get(name)]
    if damage:
        print(f"not all has come: {', '.join(damage)}; the live time of each spectrum is in summary.json")
