"""Collection and execution of tests that run under MicroPython: a test that would not run or complete fails."""

import pytest
from support.onboard import OnboardFile


@pytest.fixture
def collect(request, tmp_path):
    """collect(text) -> the tests of an onboard file"""

    def collect(text):
        path = tmp_path / "onboard_example.py"
        path.write_text(text)
        return list(OnboardFile.from_parent(request.session, path=path).collect())

    return collect


def test_a_test_fails_with_the_exception_that_ends_it(collect):
    passes, fails = collect(
        "from check import equal\n\n"
        "def helper():\n    yield 1\n\n"
        "def test_passes():\n    equal(list(helper()), [1])\n\n"
        "def test_fails():\n    for n in (1, 2):\n        equal(n, 1, f'case {n}')\n"
    )
    passes.runtest()
    assert fails.reportinfo()[1:] == (8, "test_fails")
    with pytest.raises(AssertionError) as failed:
        fails.runtest()
    assert str(failed.value).splitlines()[0] == "micropython failed: AssertionError: case 2: found 2, wanted 1"


def test_a_test_that_stops_without_an_exception_fails(collect):
    (test,) = collect("import sys\n\ndef test_exits():\n    sys.exit(0)\n")
    with pytest.raises(AssertionError, match="ended early"):
        test.runtest()


@pytest.mark.parametrize(
    ("text", "line", "fault"),
    [
        ("def test_x():\n    yield\n", 1, "is a generator"),
        ("def test_x():\n    if 1:\n        a = yield from ()\n", 1, "is a generator"),
        ("async def test_x():\n    pass\n", 1, "is a generator"),
        ("def test_x():\n    pass\n\ndef test_x():\n    pass\n", 4, "is defined twice"),
        ("class Tests:\n    def test_x(self):\n        pass\n", 2, "is not at top level"),
        ("if True:\n    def test_x():\n        pass\n", 2, "is not at top level"),
        ("def test_x(flash):\n    pass\n", 1, "takes arguments"),
    ],
)
def test_a_test_that_would_never_run_is_rejected(collect, text, line, fault):
    with pytest.raises(OnboardFile.CollectError, match=rf"onboard_example.py:{line}: test_x {fault}$"):
        collect(text)


def test_a_test_may_contain_a_generator(collect):
    (test,) = collect("def test_x():\n    def two():\n        yield 1\n        yield 2\n    assert sum(two()) == 3\n")
    test.runtest()
