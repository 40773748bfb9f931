"""`dorn dictionary`, `dorn bridge`, `dorn yamcs` and `dorn lander`: arguments and output."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from dorn.cli import options
from dorn.cli.options import HERE
from dorn.cli.parser import Commands, listed, wrapped
from dorn.errors import UserError
from dorn.util.checks import above_zero
from dorn.util.paths import check_directory


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    dictionary = commands.add(
        "dictionary",
        _dictionary,
        "export packet definitions: XTCE, ccsdspy, COSMOS and a document",
        examples=("dorn dictionary --out icd",),
    )
    dictionary.add_argument("--out", type=Path, required=True, metavar="DIR", help=options.OUT)

    bridge = commands.add(
        "bridge",
        _bridge,
        "exchange packets with another ground system over UDP and TCP",
        notes=lambda: [
            wrapped(
                "Other dorn commands can use the instrument at the same time, through its TCP port: dorn shell --target"
                " bridge://127.0.0.1:10036. Give --key to the bridge only."
            )
        ],
        examples=(
            "dorn bridge --target /dev/ttyACM0 --tm 127.0.0.1:10016 --tc 127.0.0.1:10026",
            "dorn bridge --target unix --tcp 127.0.0.1:10036 --report conformance",
        ),
    )
    options.add_instrument(bridge)
    add = bridge.add_argument
    add("--tm", default=f"{HERE}:10016", metavar="HOST:PORT", help="send telemetry here, UDP (default %(default)s)")
    add(
        "--tc",
        default=f"{HERE}:10026",
        metavar="HOST:PORT",
        help="receive telecommands here, UDP (default %(default)s)",
    )
    add(
        "--tcp",
        metavar="HOST:PORT",
        help="exchange packets with TCP clients here, also with dorn commands (default: no)",
    )
    add("--report", type=Path, metavar="DIR", help="at the end, write a report on conformance to the ICD")

    yamcs = commands.add(
        "yamcs",
        _yamcs,
        "start Yamcs mission control with an instrument",
        examples=("dorn yamcs --target unix", "dorn yamcs --target /dev/ttyACM0 --epoch 2024-05-03T09:27:00Z"),
    )
    options.add_instrument(yamcs)
    add = yamcs.add_argument
    add("--port", default="8090", metavar="N", help="port of its web pages (default %(default)s)")
    options.add_epoch(yamcs, "from the times at which packets arrive")
    add("--out", type=Path, default=Path("dorn-yamcs"), metavar="DIR", help=f"{options.OUT} (default %(default)s)")

    lander = commands.add(
        "lander",
        _lander,
        "simulate the spacecraft's side of the interface from a timeline",
        notes=_lander_notes,
        examples=(
            "dorn lander dorn --target unix --times 80 --out pass",
            "dorn lander my_timeline.txt --target /dev/ttyACM0 --out pass",
        ),
    )
    add = lander.add_argument
    add("timeline", metavar="TIMELINE", help="a file, or the name of one of the timelines below")
    add("--target", required=True, help=options.TARGET)
    add("--times", default="1", metavar="X", help="factor by which the timeline runs faster (default %(default)s)")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for telemetry.ccsds and conformance.txt")
    options.add_force(lander)
    options.add_key(lander)


def _lander_notes() -> list[str]:
    from dorn.ground.lander import GRAMMAR, shipped

    return [
        wrapped(f"timelines: {', '.join(shipped())}", "  "),
        listed("statements, one per line, besides those of `dorn procedure --help`", GRAMMAR.values()),
    ]


def _serve(bridge, speed: float, message: str, stopped=lambda: False) -> None:
    """Print the message and forward packets until Ctrl-C, SIGTERM or `stopped()`."""
    try:
        print(f"{message}, until Ctrl-C", flush=True)
        bridge.serve(stopped, speed)
    finally:
        print(bridge.summary())


def _bridge(args):
    import signal

    from dorn.dictionary import Dictionary
    from dorn.ground.bridge import Bridge, telecommand_header
    from dorn.ground.conformance import Conformance
    from dorn.ground.outlets import Tcp, Udp

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if args.report:
        check_directory(args.report)
    dictionary = Dictionary.load()
    key = options.key_of(args)
    with contextlib.ExitStack() as stack:
        udp = Udp(_address(args.tm, "--tm"), _address(args.tc, "--tc"))
        outlets: list[Udp | Tcp] = [stack.enter_context(contextlib.closing(udp))]
        if args.tcp:
            tcp = Tcp(_address(args.tcp, "--tcp"), telecommand_header(dictionary), dictionary.mission["max_packet"])
            outlets.append(stack.enter_context(contextlib.closing(tcp)))
        if args.tcp and args.target == f"bridge://{args.tcp}":
            raise UserError.at("--target", "NAME", "is the bridge's own --tcp", args.target)
        target = stack.enter_context(options.target_of(args))
        conformance = Conformance(dictionary) if args.report else None
        bridge = Bridge(target, outlets, key, conformance=conformance)
        message = f"packets of {target.name} to UDP {args.tm}, telecommands from UDP {args.tc}"
        if args.tcp:
            message += ", both over TCP {}:{}".format(*tcp.address)
        try:
            _serve(bridge, args.speed, message)
        finally:
            if conformance:
                conformance.over(target.now_us / 1e6)
                print(conformance.text())
                conformance.write(args.report)


def _yamcs(args):
    import signal
    import time

    from dorn.dictionary import Dictionary
    from dorn.ground import yamcs
    from dorn.ground.bridge import Bridge
    from dorn.ground.yamcs.correlation import Correlation

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    check_directory(args.out)
    if not (args.port.isascii() and args.port.isdecimal() and 0 < int(args.port) < 65536):
        raise UserError.at("--port", "N", "not a port from 1 to 65535", args.port)
    epoch = options.epoch_of(args)
    key = options.key_of(args)
    port, dictionary = int(args.port), Dictionary.load()
    with contextlib.ExitStack() as stack:
        target = stack.enter_context(options.target_of(args))
        stack.enter_context(contextlib.closing(yamcs.reserve(args.out, port)))
        link = yamcs.link(dictionary)
        yamcs.prepare(args.out, port, link, dictionary)
        print("starting Yamcs", flush=True)
        server = stack.enter_context(yamcs.Server(args.out, port))
        began_s = time.time() - target.now_us / 1e6
        clock = time.time if target.in_real_time else lambda: began_s + target.now_us / 1e6
        outlet = yamcs.outlet(server, link, dictionary, Correlation(clock, epoch and epoch.timestamp()))
        bridge = stack.enter_context(contextlib.closing(Bridge(target, [outlet], key)))
        if not target.in_real_time:
            yamcs.begin(bridge, dictionary)
        message = f"Yamcs on {server.url}, with {target.name}, its files in {args.out}"
        _serve(bridge, args.speed, message, server.ended)


def _lander(args):
    from dorn.dictionary import Dictionary
    from dorn.ground import lander
    from dorn.head.front_end import FrontEnd, Head
    from dorn.link import archive
    from dorn.targets import NAMES, open_target

    dictionary = Dictionary.load()
    times = above_zero(args.times, "--times", "X")
    key = options.key_of(args)
    steps = lander.load(args.timeline, dictionary)
    check_directory(args.out)
    head = Head(FrontEnd(), 1) if args.target in NAMES else None
    with open_target(args.target, head) as target:
        played = lander.Lander(target, dictionary, key, times=times)
        with contextlib.closing(played.session):
            played.session.record(args.out / archive.NAME, force=args.force)
            try:
                well = played.run(steps)
            finally:
                played.conformance.write(args.out)
    print(played.conformance.text())
    return 0 if well else 1


def _dictionary(args):
    from dorn import exports
    from dorn.dictionary import Dictionary

    check_directory(args.out)
    for path in exports.write(Dictionary.load(), args.out):
        print(path)


def _address(text: str, option: str) -> tuple[str, int]:
    found = re.fullmatch(r"([^:]+):(\d{1,5})", text)
    if not found or int(found[2]) > 65535:
        raise UserError.at(option, "HOST:PORT", "not an address and a port", text)
    return found[1], int(found[2])
