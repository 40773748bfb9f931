"""For all tests: their order, and what Hypothesis does not check."""

from hypothesis import settings

settings.register_profile("dorn", deadline=None)  # no timed assertions: an example may start a process
settings.load_profile("dorn")


def pytest_collection_modifyitems(items):
    """`dorn bench` takes minutes, so it starts first; at the end, the other workers would idle."""
    items.sort(key=lambda item: item.path.name != "test_benchmark.py")
