"""run.json beside an archive: used if it fits, refused in one line if it does not."""

import contextlib
import json

import pytest
from dorn.errors import UserError
from dorn.products import run_file
from dorn.util.digits import with_uncertainty
from hypothesis import given
from hypothesis import strategies as st

PAIRS = [
    {"origin": 7, "on_board_s": 100.0, "utc": "2026-01-31T12:00:00.000Z"},
    {"origin": 7, "on_board_s": 700.0, "utc": "2026-01-31T12:10:00.500Z"},
]
RUN = {"archive": "telemetry.ccsds", "archive_octets": 10, "target": "unix", "head": {"injected": 5}, "seed": 3}


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "telemetry.ccsds"
    path.write_bytes(bytes(10))
    return path


def written(archive, /, **changed):
    (archive.parent / run_file.NAME).write_text(json.dumps(RUN | changed))
    return archive


def test_it_is_used_for_its_own_archive_only(archive):
    assert run_file.read(archive) == (None, "")
    assert run_file.read(written(archive)) == (RUN, "")
    run, about = run_file.read(written(archive, archive_octets=8))  # a downlink has completed it
    assert run == {name: value for name, value in RUN.items() if name != "head"} | {"archive_octets": 8}
    assert "has grown" in about
    for changed in ({"archive_octets": 11}, {"archive": "other.ccsds"}):
        run, about = run_file.read(written(archive, **changed))
        assert run is None and "is about another archive: not used" in about


@pytest.mark.parametrize(
    "changed",
    [
        {"target": 5},
        {"archive_octets": "many"},
        {"head": 5},
        {"head": {"injected": "a"}},
        {"link": {"crc_errors": None}},
        *(
            {"time_correlations": [PAIRS[0] | wrong]}
            for wrong in ({"utc": "noon"}, {"on_board_s": 1e300}, {"origin": None})
        ),
        {"time_correlations": [{}]},
        {"time_correlations": [5]},
        {"time_correlations": 5},
        {"time_correlations": [PAIRS[0] | {"utc": "2026-01-01T00:00:00"}]},
        {"time_correlations": [PAIRS[0] | {"utc": "9999-01-01T00:00:00Z"}]},
        {"time_correlations": [PAIRS[0] | {"on_board_s": "5"}]},
    ],
)
def test_a_damaged_one_is_refused_naming_the_field(archive, changed):
    with pytest.raises(UserError, match=rf"run.json: {next(iter(changed))}: not "):
        run_file.read(written(archive, **changed))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.dictionaries(st.text(), c)))
def test_any_content_is_used_or_refused(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("run")
    (folder / run_file.NAME).write_text(json.dumps(content))
    (folder / "telemetry.ccsds").write_bytes(b"")
    with contextlib.suppress(UserError):
        run_file.read(folder / "telemetry.ccsds")


def test_utc_is_known_between_two_correlations_that_agree():
    run = {"time_correlations": PAIRS}
    assert run_file.utc_of(run, 7, 160.25) == "2026-01-31T12:01:00.250Z"
    assert run_file.utc_of(run, 8, 160.25) is None
    assert run_file.utc_of({"time_correlations": PAIRS[:1]}, 7, 160.25) is None
    # a reset moves the on-board clock ahead
    ahead = [PAIRS[0], PAIRS[1] | {"on_board_s": 1300.0}]
    assert run_file.utc_of({"time_correlations": ahead}, 7, 160.25) is None


@pytest.mark.parametrize(
    ("value", "uncertainty", "expected"),
    [
        (123.456, 9.96, (123.0, 10.0)),
        (123.456, 0.0996, (123.46, 0.1)),
        (123.456, 0.0123, (123.456, 0.012)),
        (123456.0, 1234.0, (123500.0, 1200.0)),
        (1.5, 0.0, (1.5, 0.0)),
        (1.5, float("inf"), (1.5, float("inf"))),
    ],
)
def test_numbers_have_two_digits_of_their_uncertainty(value, uncertainty, expected):
    assert with_uncertainty(value, uncertainty) == expected
