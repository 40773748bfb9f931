"""The unique ids of simulated boards."""

import fcntl
import os
import tempfile

import pytest
from dorn.errors import UserError
from dorn.targets import identity
from dorn.targets.unix import UnixTarget


def test_without_a_file_each_id_is_a_new_one():
    ids = {identity.unique_id(None, None) for _ in range(10)}
    assert len(ids) == 10 and all(0 <= one < 2**64 for one in ids)


def test_a_new_id_is_kept(tmp_path):
    file = tmp_path / "flash" / identity.FILE
    assert identity.unique_id(None, file) == identity.unique_id(None, file)


@pytest.mark.parametrize("given", [0, 5, 2**64 - 1])
def test_a_given_id_replaces_the_one_kept(given, tmp_path):
    file = tmp_path / identity.FILE
    identity.unique_id(77, file)
    assert identity.unique_id(given, file) == given == identity.unique_id(None, file)
    assert identity.unique_id(given, None) == given


@pytest.mark.parametrize("content", ["", "garbage", "-1", f"{2**64:x}"])
def test_a_file_without_an_id_is_refused(content, tmp_path):
    file = tmp_path / identity.FILE
    file.write_text(content)
    with pytest.raises(UserError, match=r"unique_id: not a unique id of 16 hexadecimal digits .*: remove it"):
        identity.unique_id(None, file)


def test_a_kept_flash_is_used_by_one_program_at_a_time(tmp_path):
    with UnixTarget(flash=tmp_path), pytest.raises(UserError, match=r"flash .*: in use by this program"):
        UnixTarget(flash=tmp_path)
    target = UnixTarget(flash=tmp_path)
    for _ in range(2):
        target.close()


def test_folders_of_killed_programs_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mine = tmp_path / "dorn-unix-results"  # not a folder of this program, despite its name
    mine.mkdir()
    killed = tmp_path / "dorn-unix-killed"
    (killed / "in-use").mkdir(parents=True)
    with UnixTarget() as one, UnixTarget():
        assert mine.exists() and not killed.exists() and len(list(tmp_path.iterdir())) == 3
        assert one.advance(1) is None
    assert list(tmp_path.iterdir()) == [mine]


def test_no_other_program_removes_a_folder_while_it_is_not_locked(tmp_path, monkeypatch):
    """Another program cannot look for abandoned folders between creation and locking of a new one, nor while one is
    removed: it would lock a folder in it, which is then not empty."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = tempfile.TemporaryDirectory
    excluded = []

    def others_can_lock():
        descriptor = os.open(tmp_path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    def watched(**arguments):
        folder = made(**arguments)
        excluded.append(not others_can_lock())
        removed = folder.cleanup

        def cleanup():
            excluded.append(not others_can_lock())
            removed()

        folder.cleanup = cleanup
        return folder

    monkeypatch.setattr(tempfile, "TemporaryDirectory", watched)
    with UnixTarget():
        assert excluded == [True] and others_can_lock()
    assert excluded == [True, True] and others_can_lock()


def test_a_flash_in_use_is_not_changed(tmp_path):
    with UnixTarget(flash=tmp_path, unique_id=1):
        before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
        with pytest.raises(UserError, match="in use"):
            UnixTarget(flash=tmp_path, unique_id=2, files={})
        assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
