"""For the tests of the pair."""

import pytest
from support.pair import Bench


@pytest.fixture(scope="module")
def bench():
    bench = Bench()
    yield bench
    bench.target.close()
