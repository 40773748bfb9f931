"""For all tests: their order, and what Hypothesis does not check."""

from hypothesis import settings

settings.register_profile("dorn", deadline=None)  # no timed assertions: an example may start a process
settings.load_profile("dorn")


# they take minutes, the studies on all cores; the Yamcs server is waited for most of its time
FIRST = ("test_benchmark.py", "test_studies.py", "test_spectra.py", "test_yamcs.py", "test_yamcs_pages.py")


def pytest_collection_modifyitems(items):
    """Long files start first: at the end, the other workers would idle. Ports run in real time: they are tested later,
    when nothing occupies all cores."""
    items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST))
