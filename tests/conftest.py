"""For all tests: their order, and the settings of Hypothesis."""

import pytest
from hypothesis import settings

settings.register_profile("dorn", deadline=None)  # no timed assertions: an example may start a process
settings.load_profile("dorn")


# these take minutes, the studies on all cores; the Yamcs tests mostly wait for the server
FIRST = ("test_benchmark.py", "test_studies.py", "test_spectra.py", "test_yamcs.py", "test_yamcs_pages.py")


def pytest_collection_modifyitems(items):
    """Long files start first, as other workers would idle if they started last. Tests of ports run in real time and
    come later, when nothing occupies all cores."""
    items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST))


@pytest.fixture(scope="module")
def browser():
    """A real browser, None where it is missing; a module that needs one imports support.browser."""
    from dorn.study.browser import opened

    with opened() as browser:
        yield browser


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A folder of the module's own, in which each example of a Hypothesis test may overwrite the files of the last."""
    return tmp_path_factory.mktemp("scratch")
