"""The test bench as fixtures: power, link, commander, stimulus. Tests reach their target through these only."""

import os
import tomllib
from functools import cache
from pathlib import Path

import pytest
from bench import Bench, missing
from clocks import measured_ppm
from dorn.errors import UserError
from dorn.head.front_end import FrontEnd
from dorn.image import firmware
from dorn.targets import NAMES, PAIR, ladder
from report import Report

HERE = Path(__file__).parent
SKIPS = tomllib.loads((HERE / "skips.toml").read_text())


def pytest_addoption(parser):
    group = parser.getgroup("hil", "hardware in the loop")
    where = "unix, rp2040, pair, a serial port or a pyserial URL (default: unix)"
    group.addoption("--target", default="unix", help=where)
    group.addoption(
        "--bench",
        choices=("bare", "devices"),
        default="bare",
        help="what a board on a port is wired to: nothing, or the slow-control devices (default: bare)",
    )
    group.addoption("--stimulus", metavar="PORT", help="serial port or URL of a stimulus board wired to the board")
    group.addoption(
        "--levels",
        metavar="FILE",
        help=f"measured levels of the stimulus board, of `dorn levels` (default: {ladder.FILE} here, if there is one)",
    )
    group.addoption("--grid", action="store_true", help="a simulated head plays only the energies of a stimulus board")
    group.addoption("--seed", type=int, default=1, help="seed of all random numbers (default: 1)")
    group.addoption("--repeat", type=int, default=1, metavar="N", help="run each test N times; results side by side")
    group.addoption("--long", action="store_true", help="campaigns: the long form (hil/campaigns)")
    group.addoption("--report", metavar="DIR", help="write report.html, results.json and run.json to DIR")
    group.addoption(
        "--history",
        action="append",
        default=[],
        metavar="DIR",
        help="compare the report with an earlier one, in DIR; repeatable",
    )


def pytest_configure(config):
    if config.getoption("stimulus") and config.getoption("target") in (*NAMES, PAIR):
        raise pytest.UsageError(f"--stimulus: only for a board on a port (--target {config.getoption('target')})")
    if config.getoption("grid") and config.getoption("target") not in NAMES:
        raise pytest.UsageError(f"--grid: only for a simulated head (--target {config.getoption('target')})")
    if config.getoption("repeat") < 1:
        raise pytest.UsageError(f"--repeat: N: less than 1 ({config.getoption('repeat')})")
    if config.getoption("report"):
        try:
            Path(config.getoption("report")).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise pytest.UsageError(f"--report: DIR: {error.strerror} ({config.getoption('report')})") from None
    config.addinivalue_line("markers", "head(**front_end): properties of the simulated head's front end")
    config.addinivalue_line("markers", "flight_link: connect to UART1 instead of USB")
    if config.getoption("history") and not config.getoption("report"):
        raise pytest.UsageError("--history: there is no --report to compare")
    try:
        config.hil_levels = _levels(config)
        config.hil_report = Report(config)
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(config.hil_report, "hil-report")


def _levels(config):
    """The path of the table of levels and the table, or None: the levels are taken as ideal."""
    given, target = config.getoption("levels"), config.getoption("target")
    if not (config.getoption("stimulus") or target == PAIR):
        if given:
            raise pytest.UsageError(f"--levels: there is no stimulus board (--target {target})")
        return None
    if not given and (target == PAIR or not Path(ladder.FILE).exists()):
        return None
    path = Path(given or ladder.FILE)
    return path, ladder.read(path)


def pytest_generate_tests(metafunc):
    n = metafunc.config.getoption("repeat")
    if n > 1:
        metafunc.fixturenames.append("repetition")
        metafunc.parametrize("repetition", range(1, n + 1), ids=[f"#{k}" for k in range(1, n + 1)])


# -- skips: only the listed ones ---------------------------------------------------------------------------------------


def _tables(config):
    """The tables of skips.toml that apply to this target."""
    target = config.getoption("target")
    if target in NAMES:
        return (target,)
    if target == PAIR:
        return ("pair", "board")
    driven = "board" if config.getoption("stimulus") else "undriven"
    return ("port", driven, "bare") if config.getoption("bench") == "bare" else ("port", driven)


def _names(item):
    return item.path.name, f"{item.path.name}::{item.originalname}"


def _listed(item, table):
    """The reason the table gives for skipping the item, or None."""
    return next((table[name] for name in _names(item) if name in table), None)


def pytest_collection_modifyitems(config, items):
    items = [item for item in items if HERE in item.path.parents]  # tests/ may run in the same session
    if not any("::" in arg for arg in config.args):  # only whole files were selected
        known = {name for item in items for name in _names(item)} | {file.name for file in HERE.glob("test_*.py")}
        files = {item.path.name for item in items}
        for name in (name for table in SKIPS.values() for name in table):
            if name not in known and (name.partition("::")[0] in files or "::" not in name):
                raise pytest.UsageError(f"hil/skips.toml: {name}: there is no such test")
    for item in items:
        reason = next(filter(None, (_listed(item, SKIPS[table]) for table in _tables(config))), None)
        if reason is None and not os.environ.get("DORN_DATA") and _listed(item, SKIPS["data"]):
            reason = f"DORN_DATA is not set: {_listed(item, SKIPS['data'])}"
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))
            item.listed_skip = True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and not getattr(item, "listed_skip", False):
        report.outcome = "failed"
        report.longrepr = f"skipped, but hil/skips.toml does not list it: {report.longrepr}"
    report.evidence = getattr(item, "evidence", [])
    report.text = (item.function.__doc__ or "").strip()
    return report


# -- the test bench ----------------------------------------------------------------------------------------------------


@pytest.fixture
def seed(request):
    return request.config.getoption("seed")


@pytest.fixture
def bench(request, seed):
    marker = request.node.get_closest_marker("head")
    front_end = FrontEnd(**(marker.kwargs if marker else {}))
    link = "uart" if request.node.get_closest_marker("flight_link") else "usb"
    target = request.config.getoption("target")
    lacking = missing(target)
    if lacking:  # no emulator, or no image for it
        request.node.listed_skip = True
        pytest.skip(lacking)
    try:
        option, levels = request.config.getoption, request.config.hil_levels
        bench = Bench(target, front_end, link, seed, option("stimulus"), option("grid"), levels[1] if levels else None)
    except UserError as error:
        if target in (*NAMES, PAIR):
            raise
        pytest.exit(f"hil: {error}", returncode=2)
    try:
        _check(bench.commander, request.config)
        _check_stimulus(bench, request.config)
        yield bench
    finally:
        bench.close()


@cache
def _manifests(board):
    """Manifest ids of the files that this clone would flash."""
    return {firmware.manifest_id(board, link=link) for link in ("usb", "uart")}


def _check(commander, config):
    """Refuse to test firmware other than this clone's. The session has already compared the dictionary hash."""
    hk = commander.housekeeping
    found = commander.version
    wanted = firmware.version()
    if found != wanted:
        pytest.exit(
            f"hil: version: the instrument runs {found}, this suite tests {wanted}: flash the instrument", returncode=2
        )
    board = hk.text("board")
    manifest = hk.fields["manifest"]
    if manifest not in _manifests(board):
        pytest.exit(
            f"hil: manifest: the files of the instrument ({manifest:08x}) are not those of this suite; flash it:"
            f" dorn flash --board {board} --port {config.getoption('target')}",
            returncode=2,
        )
    config.hil_report.about(
        manifest=f"{manifest:08x}", board=hk.text("board"), firmware=found, dictionary=f"{hk.fields['dictionary']:08x}"
    )


def _check_stimulus(bench, config):
    """Refuse a stimulus board with firmware other than this clone's, or a table of levels of other boards."""
    board = bench.board
    if board is None:
        return
    try:
        board.check_firmware()
    except UserError as error:
        pytest.exit(f"hil: {error}", returncode=2)
    levels = "nominal, those of an ideal ladder: not measured"
    if config.hil_levels:
        path, table = config.hil_levels
        try:
            table.check(path, f"{bench.commander.housekeeping.fields['unique_id']:016x}", board.unique_id)
        except UserError as error:
            pytest.exit(f"hil: --levels: {error}", returncode=2)
        levels = f"measured {table.measured}, {table.pulses} pulses each ({path})"
    config.hil_report.about(stimulus=f"{board.manifest:08x}", levels=levels)


@pytest.fixture
def power(bench):
    """power_cycle(off_s), reset(), stall(seconds)."""
    return bench.power


@pytest.fixture
def link(bench):
    return bench.link


@pytest.fixture
def commander(bench):
    return bench.commander


@pytest.fixture
def stimulus(bench):
    return bench.stimulus


@pytest.fixture
def clock_ppm(commander, stimulus, request):
    """By how much the clock of the instrument is faster than that of the stimulus. Measured once, and in the report."""
    config = request.config
    if not hasattr(config, "hil_clock_ppm"):
        config.hil_clock_ppm = measured_ppm(commander, stimulus)
        config.hil_report.about(clocks=f"the instrument's is faster by {config.hil_clock_ppm:+.1f} ppm")
    return config.hil_clock_ppm


@pytest.fixture
def evidence(request):
    """evidence(name, value): add a value, or a plot (a matplotlib Figure), to the report."""
    request.node.evidence = found = []
    return lambda name, value: found.append((name, value))
