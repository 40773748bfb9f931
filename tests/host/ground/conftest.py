import contextlib

import pytest
from dorn.targets import open_target
from support.ground import Ground


@pytest.fixture
def ground():
    with open_target("unix") as target, contextlib.closing(Ground(target)) as ground:
        ground.until(lambda packets: any(p.name == "housekeeping" for p in packets))
        yield ground
