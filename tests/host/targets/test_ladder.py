"""targets/ladder.py: energies of ideal and of measured levels, and the file of a table."""

import math

import pytest
from dorn.errors import UserError
from dorn.targets.ladder import IDEAL, Ladder, Table, read
from hypothesis import given
from hypothesis import strategies as st

CODES = st.lists(st.integers(0, 40950).map(lambda n: n / 10), min_size=256, max_size=256).map(tuple)
BOARDS = {"unique_id": "e66118604b1f2a29", "board": "pico"}, {"unique_id": "e66118604b7c9d31"}


def table(codes=IDEAL.codes):
    return Table(Ladder(codes), "2026-01-31T12:00:00Z", 64, *BOARDS)


@given(CODES, st.floats(-500.0, 20_000.0))
def test_the_nearest_level_is_found_whatever_their_order(codes, kev):
    if all(code >= 4095 for code in codes[1:]):
        return
    ladder = Ladder(codes)
    energies = [3.0 * (code - 50) for code in codes[1:] if code < 4095]
    assert ladder.highest_kev == max(energies)
    if not min(energies) - 48 <= kev <= max(energies) + 48:
        with pytest.raises(UserError, match=r"stimulus: energy_kev: the ladder has .* keV"):
            ladder.level(kev)
        return
    assert abs(ladder.nearest(kev) - kev) == min(abs(energy - kev) for energy in energies)
    assert 3.0 * (codes[ladder.level(kev)] - 50) == ladder.nearest(kev)
    assert 1 <= ladder.level(kev) <= 255


def test_a_table_is_read_as_it_was_written_and_never_replaced_silently(tmp_path):
    path = tmp_path / "levels.toml"
    codes = tuple(min(4095.0, round(16.3 * n + 7.1, 1)) for n in range(256))
    table(codes).write(path)
    assert read(path) == table(codes)
    before = path.read_text()
    with pytest.raises(UserError, match=r"levels\.toml: levels: exists; give another name, or --force"):
        table().write(path)
    assert path.read_text() == before
    table().write(path, force=True)
    assert read(path) == table()


@pytest.mark.parametrize("kev", [13_000.0, -200.0, math.nan, math.inf])
def test_an_energy_that_no_level_is_near_is_refused(kev):
    for find in (IDEAL.nearest, IDEAL.level):
        with pytest.raises(UserError, match=rf"energy_kev: the ladder has -102 to 12090 keV \({kev}\)"):
            find(kev)
    assert IDEAL.nearest(12_130.0) == 12_090.0


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "levels.toml"
    table().write(path)

    def full(part, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(UserError, match=r"levels\.toml: levels: cannot be written: No space left on device"):
        table(tuple(range(256))).write(path, force=True)
    monkeypatch.undo()
    assert read(path) == table() and list(tmp_path.iterdir()) == [path]


def test_a_table_of_other_boards_is_refused():
    mine, other = BOARDS[0]["unique_id"], BOARDS[1]["unique_id"]
    table().check("levels.toml", mine, other)
    with pytest.raises(UserError, match=rf"levels.toml: instrument.unique_id: .* this one is 1234: .* \({mine}\)"):
        table().check("levels.toml", "1234", other)
    with pytest.raises(UserError, match=rf"levels.toml: stimulus.unique_id: .* this one is 1234: .* \({other}\)"):
        table().check("levels.toml", mine, "1234")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("pulses = 64", "pulses = ", "levels: not a table of levels: "),
        ("pulses = 64", "pulses = 0", r"pulses: less than 1 \(0\)"),
        ("pulses = 64", "pulses = true", r"pulses: not a whole number \(True\)"),
        ("pulses = 64", "", "pulses: is missing"),
        ("pulses = 64", "pulses = 64\nnoise = 3", "noise: unknown"),
        ("2026-01-31T12:00:00Z", "yesterday", r"measured: not a date, as .* \(yesterday\)"),
        (" 2032.0,", " 5000.0,", r"codes, level 127: not a code from 0 to 4095 \(5000.0\)"),
        (" 2032.0,", " -0.1,", r"codes, level 127: not a code from 0 to 4095 \(-0.1\)"),
        (" 2032.0,", " nan,", r"codes, level 127: not a code from 0 to 4095 \(nan\)"),
        (" 2032.0,", ' "x",', r"codes, level 127: not a code from 0 to 4095 \(x\)"),
        (" 2032.0,", "", r"codes: not 256 levels \(255\)"),
        ('unique_id = "e66118604b7c9d31"', "unique_id = 5", r"stimulus.unique_id: not a text \(5\)"),
        ("[instrument]", "[board]", "instrument: is missing"),
    ],
)
def test_a_bad_table_is_refused_with_field_and_value(tmp_path, old, new, message):
    path = tmp_path / "levels.toml"
    table().write(path)
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    with pytest.raises(UserError, match=f"levels.toml: {message}"):
        read(path)


def test_a_table_that_is_not_there_is_reported(tmp_path):
    with pytest.raises(UserError, match=r"none\.toml: levels: cannot be read: No such file"):
        read(tmp_path / "none.toml")
