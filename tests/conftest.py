"""Order of the tests: `dorn bench` takes minutes, so it starts first; at the end, the other workers would idle."""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name != "test_benchmark.py")
