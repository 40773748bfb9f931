"""dorn.link.archive: files, pipes and standard input."""

import os
import resource
import subprocess
import sys

import pytest
from dorn.link.archive import Archive, ArchiveError
from support.archives import dictionary, housekeeping, tm
from support.products import packet


def test_a_file_that_becomes_shorter_is_named(packet_file):
    path = packet_file(*(tm(n) for n in range(9)))
    with Archive(dictionary, path) as found, pytest.raises(ArchiveError, match=r"a\.bin: file: became shorter"):
        path.write_bytes(tm(0))
        list(found.parts())


def test_many_files_need_some_to_be_open(tmp_path):
    names = []
    for n in range(300):
        (tmp_path / str(n)).write_bytes(tm(n))
        names.append(tmp_path / str(n))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 100, hard))
        with Archive(dictionary, *names) as found:
            assert len(list(found.packets())) == 300
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_missing_file_is_reported_before_the_others_are_read(packet_file, tmp_path):
    seen = []
    with pytest.raises(ArchiveError, match="absent: file: cannot be read"):
        Archive(dictionary, packet_file(tm(1)), tmp_path / "absent", progress=seen.append)
    assert not seen


def test_an_input_without_packets_is_refused_before_it_is_read_to_its_end(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(20_000_000_000)
    for without in (path, "/dev/zero"):
        with pytest.raises(ArchiveError, match=f"{without}: not an archive: no packet in its first"):
            Archive(dictionary, without)


@pytest.mark.parametrize("name, message", [("absent", "No such file"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, message):
    with pytest.raises(ArchiveError, match=f"{tmp_path / name}: file: cannot be read: {message}"):
        Archive(dictionary, tmp_path / name)


def test_standard_input_is_an_archive(tmp_path, packet_file):
    path = packet_file(housekeeping(1), packet("rates", events=5).octets)
    command = [sys.executable, "-m", "dorn.cli", "decode"]
    for files, given_ in (([str(path)], b""), (["-"], path.read_bytes())):
        out = tmp_path / files[0].replace("/", "_")
        subprocess.run([*command, *files, "--out", str(out)], input=given_, check=True, capture_output=True)
    tables = [(out / "rates.csv").read_bytes() for out in tmp_path.glob("*") if out.is_dir()]
    assert len(tables) == 2 and tables[0] == tables[1]


def test_progress_reports_every_octet_twice(packet_file):
    path = packet_file(*(tm(n) for n in range(50)))
    seen = []
    with Archive(dictionary, path, progress=seen.append, chunk=300) as found:
        list(found.parts())
    assert sum(seen) == 2 * path.stat().st_size
