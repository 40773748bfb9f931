"""`dorn bench` and `dorn study`: arguments and output."""

import json
import sys
from pathlib import Path

from dorn.cli import options
from dorn.cli.parser import Commands
from dorn.errors import UserError
from dorn.util.extras import missing
from dorn.util.paths import check_directory

# study, a module of dorn.study -> what it measures, its arguments, and the sets of DATA it needs
STUDIES = {
    "counting": ("count events and live time of known sources from 0.1 to 500 kcps", ("targets",), ()),
    "deadtime": (
        "measure the dead time with double pulses, and by published methods",
        ("data?", "chip"),
        ("deadtime-two-source", "geiger-times"),
    ),
    "stalls": ("account for every event while the CPU is stalled", ("chip",), ()),
    "spectra": (
        "play all spectra in a folder, and compare count for count",
        ("data", "targets"),
        ("am241-lisbon", "am241-cologne", "am241-milano", "po210-kentucky", "triple-alpha-leuven"),
    ),
    "decoding": ("decode large archives, side by side with ccsdspy and libaec", (), ()),
    "mission": ("size of the slices of a mission of 176 h, and the time to open them", (), ()),
    "export": ("write a mission of 176 h in all formats, and its report", (), ()),
    "live": ("first picture, memory and load of the live page, with a screenshot", (), ()),
    "fits": ("fit spectra with known counts, and compare with other programs", (), ()),
    "missions": ("analyse missions whose truth is known from their scenarios only", ("archives",), ()),
    "limits": ("coverage of intervals and limits, and false detections of thresholds", (), ()),
    "adc": (
        "measure and correct the over-wide codes of real converters, from their ramps",
        ("data",),
        ("adc-ramp-rp2040",),
    ),
}


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    study = commands.add(
        "study",
        _study,
        "measure the instrument against known sources and bounds",
        examples=("dorn study counting --target unix --short", "dorn study spectra DATA --out spectra"),
    )
    studies = study.add_subparsers(required=True, metavar="STUDY", dest="study")
    for name, (about, takes, sets) in STUDIES.items():
        data = " DATA" if sets else ""
        one = studies.add_parser(
            name,
            help=about,
            description=f"{about[0].upper()}{about[1:]}.",
            examples=(f"dorn study {name}{data} --short", f"dorn study {name}{data} --out {name}"),
        )
        if sets:
            folder = f"folder of measurements; compared with stated figures, those in {', '.join(sets)}"
            one.add_argument("data", type=Path, nargs=None if "data" in takes else "?", metavar="DATA", help=folder)
        if "targets" in takes:
            one.add_argument("--target", choices=("unix", "rp2040"), help="this target only (default: both)")
        if "archives" in takes:
            text = "keep the archives of the simulated missions here, and use existing ones"
            one.add_argument("--archives", type=Path, metavar="DIR", help=text)
        one.add_argument("--short", action="store_true", help="fewer seeds and events, as in the tests")
        one.add_argument("--out", type=Path, metavar="DIR", help=f"{options.OUT} (default dorn-study/{name})")

    bench = commands.add(
        "bench",
        _bench,
        "measure the firmware on an emulated Pico against its budget",
        examples=("dorn bench", "dorn bench --json bench.json"),
    )
    bench.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file; it is replaced")


def _bench(args):
    try:
        from dorn.study import benchmark
    except ImportError as error:
        raise missing(f"bench: {error}", "study") from None
    if args.json is not None and not args.json.parent.is_dir():
        raise UserError.at("--json", "FILE", "its folder does not exist", str(args.json))
    figures = benchmark.measure(lambda text: print(f"measuring: {text}", file=sys.stderr))
    rows, wrong = benchmark.judge(figures)
    print(benchmark.text(rows))
    for line in wrong:
        print(line)
    if args.json is not None:
        from dorn.products.files import write_files

        content = {"target": benchmark.TARGET, "figures": figures, "faults": wrong}
        data = (json.dumps(content, indent=1) + "\n").encode()
        write_files(args.json.parent, {args.json.name: lambda file: file.write(data)})
    return 1 if wrong else 0


def _study(args):
    from importlib import import_module

    _, takes, sets = STUDIES[args.study]
    try:
        from dorn.study import Report

        module = import_module(f"dorn.study.{args.study}")
    except ImportError as error:
        raise missing(f"study {args.study}: {error}", "study") from None
    given = {}
    if sets:
        given["data"] = args.data
        if args.data is not None and not args.data.is_dir():
            raise UserError.at("DATA", "folder", "does not exist", str(args.data))
    if "targets" in takes:
        given["targets"] = (args.target,) if args.target else ("unix", "rp2040")
    if "archives" in takes:
        given["archives"] = args.archives
    if "chip" in takes or "rp2040" in given.get("targets", ()):
        from dorn.image import micropython

        micropython.image()  # fail now if it is missing, not halfway through
    out = args.out or Path("dorn-study") / args.study
    check_directory(out)
    report = Report(args.study, out)
    try:
        module.study(report, args.short, **given)
    except BaseException:
        report.abandon()
        raise
    return 0 if report.finish() else 1
