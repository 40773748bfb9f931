"""The order of the tests: `dorn bench` takes minutes, and would leave one worker alone with it at the end."""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name != "test_benchmark.py")
