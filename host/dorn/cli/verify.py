"""`dorn bench` and `dorn study`: their arguments, and what they print."""

from pathlib import Path

from dorn.errors import UserError
from dorn.util.extras import missing
from dorn.util.paths import check_directory

# of each study, a module of dorn.study: what it proves, what it takes, and the sets of DATA it needs
STUDIES = {
    "counting": ("events and live time of known sources from 0.1 to 500 kcps", ("targets",), ()),
    "deadtime": (
        "dead time as counted, by double pulses at the head's pins and by others' methods",
        ("data?", "chip"),
        ("deadtime-two-source", "geiger-times"),
    ),
    "stalls": ("events while the CPU does not read the rings: kept, or accounted", ("chip",), ()),
    "spectra": (
        "spectra measured by others come back count for count",
        ("data", "targets"),
        ("am241-lisbon", "am241-cologne", "am241-milano", "po210-kentucky", "triple-alpha-leuven"),
    ),
    "adc": (
        "over-wide codes of three real converters: measured, corrected, judged on unseen readings",
        ("data",),
        ("adc-ramp-rp2040",),
    ),
}


def add(commands) -> None:
    """The commands' arguments, to the subparsers of `dorn`."""
    benchmark = commands.add_parser("bench", help="measure the firmware against its budget (emulated chip)")
    benchmark.set_defaults(command=_bench)

    study = commands.add_parser("study", help="prove the instrument: tables, plots and bounds it keeps")
    studies = study.add_subparsers(required=True, metavar="STUDY", dest="study")
    for name, (about, takes, sets) in STUDIES.items():
        one = studies.add_parser(name, help=about, description=about)
        one.set_defaults(command=_study)
        if sets:
            holds = f"folder of the measured sets, with {', '.join(sets)}"
            one.add_argument("data", type=Path, nargs=None if "data" in takes else "?", metavar="DATA", help=holds)
        if "targets" in takes:
            one.add_argument("--target", choices=("unix", "rp2040"), help="one of them only (default: both)")
        one.add_argument("--short", action="store_true", help="fewer seeds and events, as the tests do")
        one.add_argument("--out", type=Path, metavar="DIR", help=f"where the files go (default dorn-study/{name})")


def _bench(args):
    try:
        from dorn.study import benchmark
    except ImportError as error:
        raise missing(f"bench: {error}", "study") from None
    rows, wrong = benchmark.judge(benchmark.measure())
    print(benchmark.text(rows))
    for line in wrong:
        print(line)
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
        for absent in () if args.data is None else (name for name in sets if not (args.data / name).is_dir()):
            raise UserError.at(
                "DATA", "folder", f"has no {absent}; {args.study} needs {', '.join(sets)}", str(args.data)
            )
    if "targets" in takes:
        given["targets"] = (args.target,) if args.target else ("unix", "rp2040")
    if "chip" in takes or "rp2040" in given.get("targets", ()):
        from dorn.image import micropython

        micropython.image()  # said now, not in the middle
    out = args.out or Path("dorn-study") / args.study
    check_directory(out)
    report = Report(args.study, out)
    try:
        module.study(report, args.short, **given)
    except BaseException:
        report.abandon()
        raise
    return 0 if report.finish() else 1
