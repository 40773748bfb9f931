"""The study of exports in its short form."""

from dorn import cli


def test_all_formats_and_the_report_are_within_their_limits(tmp_path):
    assert cli.main(["study", "export", "--short", "--out", str(tmp_path)]) == 0
    lines = (tmp_path / "export.txt").read_text().splitlines()
    assert sum(line.endswith("PASS") for line in lines) == 2
