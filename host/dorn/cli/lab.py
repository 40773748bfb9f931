"""`dorn run`, `dorn demo` and `dorn decode`: their arguments, and what they print."""

from pathlib import Path

from dorn.cli import options
from dorn.errors import UserError
from dorn.head import sources
from dorn.head.arrivals import SPACINGS
from dorn.util.checks import above_zero, at_least
from dorn.util.paths import check_directory

REAL_DETECTORS = "-"  # in place of a source


def add(commands) -> None:
    """The commands' arguments, to the subparsers of `dorn`."""
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
    options.add_key(run)

    demo = commands.add_parser("demo", help="one minute of radon and its products, through the instrument")
    demo.set_defaults(command=_demo)
    demo.add_argument("--target", help="default: rp2040 where its image is there, else unix")
    demo.add_argument("--out", type=Path, default=Path("dorn-demo"), metavar="DIR", help="default %(default)s")

    decode = commands.add_parser("decode", help="decode an archive of telemetry packets")
    decode.set_defaults(command=_decode)
    decode.add_argument("file", metavar="FILE", help="space packets back to back, as telemetry.ccsds")
    decode.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files go")


def _run(args):
    # converted here: argparse would put words of its own in place of what is wrong with the value
    if not (args.seed.isdecimal() and len(args.seed) < 19):
        raise UserError.at("--seed", "N", "not a whole number from 0 to 10^18", args.seed)
    for option, unit in (("rate", "CPS"), ("duration", "S")):
        value = getattr(args, option)
        if value is not None:
            setattr(args, option, above_zero(value, f"--{option}", unit))
    stream = {"spacing": args.spacing, "replay": args.replay, "seed": int(args.seed)}
    stream["key"] = options.key_of(args)
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

    source = sources.load(sources.DEMO)
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
