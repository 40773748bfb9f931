"""`dorn demo`, `dorn run` and `dorn decode`: arguments and output."""

import contextlib
import os
import sys
from pathlib import Path

from dorn.cli import live, options
from dorn.cli.parser import Commands
from dorn.cli.results import show_faults
from dorn.errors import UserError
from dorn.util.checks import above_zero, at_least
from dorn.util.paths import check_directory

DEMO_OUT = Path("dorn-demo")  # the demo's own folder, so it may be overwritten
_LONG = 10_000_000  # octets; decoding more takes a second or longer
REAL_DETECTORS = "-"  # in place of a source
SPACINGS = ("poisson", "regular")  # as in dorn.head.arrivals, which is slow to import
ON_RESET = ("end", "restart")  # as in dorn.session.acquire, likewise


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    demo = commands.add(
        "demo",
        _demo,
        "run the instrument on one simulated minute of radon",
        examples=("dorn demo", "dorn demo --target unix --out /tmp/demo"),
    )
    demo.add_argument("--target", help="unix or rp2040 (default: rp2040 if its image is there, else unix)")
    demo.add_argument("--out", type=Path, default=DEMO_OUT, metavar="DIR", help=f"{options.OUT} (default %(default)s)")
    options.add_calibration(demo)

    run = commands.add(
        "run",
        _run,
        "play a source into the instrument and decode its telemetry",
        examples=(
            "dorn run am241.spe --rate 100 --duration 600 --out out",
            "dorn run am241.spe --calibration -77.2,12.8 --replay --target rp2040 --out out",
            "dorn run scenario.toml --seed 2 --out out",
            "dorn run - --target /dev/ttyACM0 --duration 600 --out out  # real detectors",
            "dorn run - --target /dev/ttyACM0 --live 36000 --on-reset restart --out out",
        ),
        notes=lambda: [options.spectra()],
    )
    add = run.add_argument
    add(
        "source",
        metavar="SOURCE",
        help="spectrum (.spe, .chn, .n42, .csv, ...: see below), event list (.csv) or scenario (.toml); - for real "
        "detectors",
    )
    add("--target", default="unix", help=f"{options.TARGET} (default %(default)s)")
    add("--rate", metavar="CPS", help="particles per second (default: as in the source)")
    add("--duration", metavar="S", help="real time, seconds (default: as in the source)")
    add(
        "--live",
        metavar="S",
        help="end after this live time instead, seconds; the source is played as long as that takes",
    )
    add(
        "--on-reset",
        choices=ON_RESET,
        default="end",
        help="if the instrument is reset: end the run with exit status 1, or start the acquisition again (default end)",
    )
    options.add_force(run)
    add("--seed", default="1", metavar="N", help="seed of source and head (default %(default)s)")
    add("--spacing", choices=SPACINGS, default="poisson", help="arrival times of the particles (default %(default)s)")
    options.add_spectrum(run)
    add("--noise-kev", metavar="X", help="electronic noise of the detector head, FWHM in keV")
    add("--out", type=Path, required=True, metavar="DIR", help=options.OUT)
    add(
        "--live-page",
        nargs="?",
        const=live.PORT,
        metavar="PORT",
        help=f"show the run in the browser, as `dorn live` does (default port {live.PORT})",
    )
    options.add_calibration(run)
    options.add_lines(run)
    options.add_key(run)

    decode = commands.add(
        "decode",
        _decode,
        "decode archives of telemetry packets",
        examples=(
            "dorn decode out/telemetry.ccsds --out decoded",
            "dorn decode monday.ccsds tuesday.ccsds --out decoded",
            "xz -dc telemetry.ccsds.xz | dorn decode - --out decoded",
            "dorn decode out/telemetry.ccsds --split --out decoded",
        ),
    )
    decode.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="concatenated space packets, such as telemetry.ccsds; - for standard input",
    )
    decode.add_argument("--out", type=Path, required=True, metavar="DIR", help=options.OUT)
    decode.add_argument(
        "--slice", default="600", metavar="S", help="length of the slices, seconds (default %(default)s)"
    )
    options.add_calibration(decode)
    options.add_lines(decode)
    decode.add_argument("--tables", action="store_true", help="also write one table for each type of packet")
    decode.add_argument("--events-csv", action="store_true", help="also write the events of events.npz to events.csv")
    decode.add_argument(
        "--split", action="store_true", help="also write one archive for each type of packet, packets/NAME.ccsds"
    )
    decode.add_argument("--force", action="store_true", help="with --split: replace existing archives")


def _run(args):
    from dorn.head import sources

    # converted here: a message of argparse would not say what is wrong with the value
    if not (args.seed.isdecimal() and len(args.seed) < 19):
        raise UserError.at("--seed", "N", "not a whole number from 0 to 10^18", args.seed)
    for option, unit in (("rate", "CPS"), ("duration", "S"), ("live", "S")):
        value = getattr(args, option)
        if value is not None:
            setattr(args, option, above_zero(value, f"--{option}", unit))
    if args.live is not None and args.live > sources.MAX_DURATION_S:
        raise UserError.at("--live", "S", f"above {sources.MAX_DURATION_S:.0f}, 104 days", args.live)
    if args.live is not None and (args.duration is not None or args.replay):
        raise UserError.at("--live", "S", "cannot be combined with --duration or --replay", args.live)
    stream = {"spacing": args.spacing, "replay": args.replay, "seed": int(args.seed), "live_s": args.live}
    stream |= {"key": options.key_of(args), "on_reset": args.on_reset, "force": args.force}
    stream |= {"lines": options.lines_of(args)}
    if args.source == REAL_DETECTORS:
        source, rate_cps, duration_s = None, None, _real(args)
    else:
        calibration = args.calibration and sources.parse_calibration(args.calibration)
        source = sources.load(args.source, calibration, args.spectrum)
        for note in source.notes:
            print(f"{args.source}: {note}", file=sys.stderr)
        if args.at_centres:
            if not args.replay:
                raise UserError("--at-centres: only with --replay")
            source.at_centres = True
        if args.noise_kev is not None:
            source.head["noise_kev"] = at_least(0, args.noise_kev, "--noise-kev", "X")
        rate_cps, duration_s = source.plan(args.rate, args.duration or args.live, args.replay)
        if args.replay or args.live:
            duration_s = None  # the run ends with the last count, or after the live time
    return _play(source, args, rate_cps=rate_cps, duration_s=duration_s, **stream)


def _real(args):
    """The duration of a run with real detectors, None with --live; settings of a source are refused."""
    from dorn.head import sources

    for option in ("rate", "replay", "at_centres", "calibration", "spectrum", "noise_kev"):
        value = getattr(args, option)
        if value not in (None, False):
            raise UserError.at(
                "SOURCE", f"--{option.replace('_', '-')}", "does not apply to real detectors", str(value)
            )
    if args.duration is None and args.live is None:
        raise UserError.at("SOURCE", "--duration", "is missing; real detectors need it, or --live", REAL_DETECTORS)
    sources.check("duration_s", args.duration or args.live)
    return args.duration


def _demo(args):
    from dorn.head import sources
    from dorn.session import acquire

    source = sources.load(sources.DEMO)
    target, why = (args.target, "") if args.target else acquire.default_target()
    print(f"demo on {target}: {source.duration_s:g} s at {source.rate_cps:.0f} particles per second")
    if why:
        print(f"not on the emulated Pico: {why}")
    stream = {"rate_cps": source.rate_cps, "duration_s": source.duration_s, "seed": 1}
    args.target = target
    status = _play(source, args, **stream, spacing="poisson", replay=False, force=args.out == DEMO_OUT)
    if status == 0:
        from dorn.cli.results import show_beside_truth
        from dorn.link.archive import NAME

        try:
            show_beside_truth(args.out / NAME, source)
        except UserError as error:  # the run itself is complete
            print(f"not analysed: {error}")
    return status


def _play(source, args, **stream):
    """Run and report; the exit status is 1 if the run ended early. On Ctrl-C `run_source` leaves the archive readable,
    writes the products of what it received, and raises KeyboardInterrupt again."""
    from dorn.session import acquire

    check_directory(args.out)
    stream |= {"target_name": args.target, "out": args.out, "command": args.entered}
    stream |= {"calibration": options.calibration_of(args)}
    lines = stream.get("lines")
    with live.of_run(args, (source.lines if source else ()) if lines is None else lines):
        summary = acquire.run_source(source=source, **stream)
    _report(summary, args.out)
    ended_early = summary["run"]["ended_early"]
    if ended_early:
        print(f"dorn: the run ended early: {ended_early}", file=sys.stderr)
    return 1 if ended_early else 0


def _decode(args):
    from dorn.dictionary import Dictionary
    from dorn.link import archive
    from dorn.products import packet_files
    from dorn.products.products import Products

    slice_s, lines = above_zero(args.slice, "--slice", "S"), options.lines_of(args)
    check_directory(args.out)
    calibration = options.calibration_of(args)
    if args.force and not args.split:
        raise UserError("--force: only with --split; all other products are replaced without it")
    if args.split:
        packet_files.check(args.out, args.files, args.force)
    with contextlib.ExitStack() as stack:
        size = sum(os.path.getsize(file) for file in args.files if os.path.isfile(file))
        progress = None
        if size > _LONG or archive.STDIN in args.files:
            from tqdm import tqdm

            total = None if archive.STDIN in args.files else 2 * size
            bar = tqdm(total=total, unit="B", unit_scale=True, delay=2, disable=None)  # the input is read twice
            progress = stack.enter_context(bar).update
        found = stack.enter_context(archive.Archive(Dictionary.load(), *args.files, progress=progress))
        products = Products(found, slice_s=slice_s, calibration=calibration)
        names = ", ".join(args.files)
        if not found.octets:
            raise UserError.at(names, "file", "is empty")
        if not products.packets:
            damaged, foreign = found.skipped.damaged, sum(found.skipped.foreign.values())
            raise UserError.at(names, "packets", f"none of this instrument, {damaged} damaged, {foreign} foreign")
        run, about = _run_of(args.files)
        if lines is not None:
            run = (run or {}) | {"lines": lines}
        if about:
            print(about, file=sys.stderr)
        _report(products.write(args.out, run, tables=args.tables, events_csv=args.events_csv), args.out)
        if args.split:
            packet_files.write(args.out, found)
    show_faults(products.faults())


def _run_of(files):
    """(contents of run.json beside the archive, None if absent or for several archives; a note to print about it)."""
    from dorn.products import run_file

    if len(files) > 1 or not os.path.isfile(files[0]):
        return None, ""
    return run_file.read(Path(files[0]))


_NOT_RECORDED = {
    "lost_dead_time": "in dead time",
    "merged": "merged with another pulse",
    "below_threshold": "below threshold",
    "over_range": "over range",
    "disabled": "from disabled detectors",
    "lost_overrun": "in ring overruns",
}
_DAMAGE = {
    "crc_errors": "damaged packets",
    "sequence_gaps": "gaps in the sequence",
    "incomplete_spectra": "incomplete spectra",
    "missing_in_spectra": "events missing from the spectra",
}


def _report(summary, out):
    """Print the main results for the operator; summary.json has all."""

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
    if summary.get("resets"):
        print(f"resets of the instrument: {text('resets')}")
    damage = [f"{text(name)} {what}" for name, what in _DAMAGE.items() if summary.get(name)]
    if damage:
        print(f"incomplete telemetry: {', '.join(damage)}; the live time of each spectrum is in summary.json")
