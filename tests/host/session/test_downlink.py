"""Completion of the archive: each stored packet once, few requests for unused numbers, refusals reported."""

import contextlib

import pytest
from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.image import firmware
from dorn.link import archive
from dorn.link.key import Key
from dorn.session import Session
from dorn.session.downlink import Downlink
from dorn.targets.unix import UnixTarget

DICTIONARY = Dictionary.load()


def stored(target, cuts):
    """Store packets on flash, with `cuts` power cuts in between."""
    session = Session(target)
    session.connect()
    session.command("set_parameter", parameter="storage_delay", value=1)
    for _ in range(cuts):
        session.advance(25)
        target.power_cycle()
        session.advance(5)
    session.advance(25)


@pytest.mark.parametrize("cuts", [0, 3])
def test_record_numbers_skipped_by_power_cuts_cost_few_requests(cuts, tmp_path):
    path = tmp_path / "telemetry.ccsds"
    with UnixTarget() as target:
        stored(target, cuts)
        with contextlib.closing(Session(target)) as session:
            session.connect()
            session.record(path, keep=True)
            result = Downlink(session).complete()
    assert result.lost == result.repeated == 0 and result.received >= 2 * (cuts + 1)
    assert result.requests <= 1 + 8 * cuts  # requests for 64, 128, ... of 4096 numbers
    with archive.Archive(DICTIONARY, path) as found:
        records = found.index["record"][found.index["record"] > 0].tolist()
    assert len(records) == len(set(records)) == result.received


def test_without_the_key_of_the_board_the_refusal_is_reported(tmp_path, monkeypatch):
    key, files = Key.create(tmp_path / "key"), firmware.files
    monkeypatch.setattr(firmware, "files", lambda *a, **k: files(*a, **k) | {"key": key.board_file})
    with UnixTarget() as target:
        session = Session(target)
        session.connect()
        begin_us = target.now_us
        with pytest.raises(UserError, match="refused: unsigned; is --key the one on board"):
            Downlink(session).complete()
        assert target.now_us - begin_us < 5e6


def test_a_file_that_is_not_an_archive_is_not_appended_to(tmp_path):
    path = tmp_path / "telemetry.ccsds"
    path.write_bytes(b"garbage")
    with UnixTarget() as target:
        session = Session(target)
        session.connect()
        with pytest.raises(UserError, match="has no packet of this instrument"):
            session.record(path, keep=True)
    assert path.read_bytes() == b"garbage"
