"""The services under MicroPython."""

import pytest
from support.services import Bench, open_services


@pytest.fixture(scope="module")
def child():
    with open_services() as child:
        yield child


@pytest.fixture
def bench(child):
    return Bench(child)
