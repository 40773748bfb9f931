"""The study of decoding in its short form, and its archives."""

import mmap
import sys

from dorn import cli
from dorn.dictionary import Dictionary
from dorn.link.archive import Archive
from dorn.study import archives, cost


def test_decoding_keeps_its_limits_with_a_margin(tmp_path):
    status = cli.main(["study", "decoding", "--short", "--out", str(tmp_path)])
    assert status == 0, (tmp_path / "decoding.txt").read_text()


def test_the_slices_of_a_mission_are_small(tmp_path):
    status = cli.main(["study", "mission", "--short", "--out", str(tmp_path)])
    assert status == 0, (tmp_path / "mission.txt").read_text()


def test_the_memory_of_a_command_is_its_own():
    with mmap.mmap(-1, 200 << 20) as large:
        for page in range(0, len(large), mmap.PAGESIZE):
            large[page] = 1
        assert cost.cost([sys.executable, "-c", "pass"]).mib < 100


def test_a_repeated_run_is_an_archive_without_gaps(tmp_path):
    once, often = tmp_path / "once", tmp_path / "often"
    run = archives.run(once, 100, 5, 1)
    archives.repeat(run, 5, often, 30 * len(run))
    with Archive(Dictionary.load(), once) as one, Archive(Dictionary.load(), often) as many:
        assert len(many) >= 30 * len(one)
        assert (many.sequence_gaps, many.skipped.damaged, many.conflicts) == (one.sequence_gaps, 0, 0) == (0, 0, 0)
