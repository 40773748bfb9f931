"""Campaigns create their own targets and print their totals below the results."""

import contextlib

import pytest
from bench import missing
from dorn.session.instrument import Instrument

_TOTALS = pytest.StashKey[list[str]]()


def pytest_configure(config):
    config.stash[_TOTALS] = []


@pytest.fixture
def long(request):
    return request.config.getoption("long")


@pytest.fixture
def totals(request):
    """totals(line): add a summary line of the campaign, with its seed."""
    return request.config.stash[_TOTALS].append


@pytest.fixture
def open_pico(request, seed):
    """open_pico(files) -> a connected instrument on the emulated Pico; powered off after the test."""
    lacking = missing("rp2040")
    if lacking:
        request.node.listed_skip = True
        pytest.skip(lacking)
    from dorn.targets.rp2040 import Rp2040Target

    with contextlib.ExitStack() as stack:

        def open_pico(files):
            instrument = Instrument(stack.enter_context(Rp2040Target(files=files, unique_id=seed)))
            instrument.connect()
            return instrument

        yield open_pico


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[_TOTALS]:
        terminalreporter.section("campaigns")
        for line in config.stash[_TOTALS]:
            terminalreporter.write_line(line)
