"""Tables of TOML and JSON files: an error names the place in the file."""

import pytest
from dorn.util.checks import SourceError
from dorn.util.tables import Table


@pytest.fixture
def inner(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"a": [{"b": [{"c": 0, "d": "text"}]}]}')
    (outer,) = Table.read(path).tables("a")
    return outer.tables("b")[0]


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda table: table.above_zero("c"), "x.json: a[0].b[0].c: not above 0 (0)"),
        (lambda table: table.numbers("d", 3), "x.json: a[0].b[0].d: not a list (text)"),
        (lambda table: table.table("d"), "x.json: a[0].b[0].d: not a table (text)"),
        (lambda table: table.count("e"), "x.json: a[0].b[0].e: is missing"),
        (lambda table: table.done(), "x.json: a[0].b[0].d: unknown key (text)"),
    ],
)
def test_an_error_names_the_place_in_the_file(inner, read, message):
    assert inner.number("c") == 0
    with pytest.raises(SourceError) as error:
        read(inner)
    assert str(error.value).endswith(message)
