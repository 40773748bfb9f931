"""Signed telecommands: the instrument accepts only what the ground signed, and the key stays secret."""

import hashlib
import hmac
import multiprocessing
import os
import tomllib

import pytest
from dorn.cli import main
from dorn.errors import UserError
from dorn.image import firmware
from dorn.link import frames
from dorn.link.key import BOARD_FILE, MOST, Key
from dorn.operator import procedure
from dorn.session import CommandFailed
from dorn.session.instrument import Instrument
from dorn.targets.unix import UnixTarget
from support.chip import firmware_files
from support.instrument import DICTIONARY, both_if_long, open_simulated

PING = DICTIONARY.encode("ping", 5)


@pytest.fixture
def key(tmp_path):
    return Key.create(tmp_path / "flight.key", 3)


def secret(key):
    return bytes.fromhex(tomllib.loads(key.path.read_text())["secret"])


def counter(key):
    return tomllib.loads(key.path.read_text())["counter"]


def files(where, content):
    own = firmware.files("unix") if where == "unix" else firmware_files()
    return {**own, BOARD_FILE: content}


# ---- the key and its file ----------------------------------------------------------------------------


def test_the_trailer_is_key_number_counter_and_hmac(key):
    for n in (1, 2, 3):
        head = PING + bytes([3]) + n.to_bytes(4, "big")
        assert key.sign(PING) == head + hmac.new(secret(key), head, hashlib.sha256).digest()[:8]
        assert counter(key) == n
    assert key.board_file == b"\3" + secret(key)


def test_a_key_file_is_private_and_never_overwritten_or_shown(tmp_path, capsys):
    path = tmp_path / "k"
    assert main(["key", str(path), "--number", "255"]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    key, before = Key.load(path), path.read_text()
    assert main(["key", str(path)]) == 2
    out, error = capsys.readouterr()
    assert "exists: a key is never overwritten" in error and path.read_text() == before
    assert secret(key).hex() not in out + error + repr(key) + str(vars(key).keys())
    assert main(["key", str(tmp_path / "other")]) == 0 and secret(Key.load(tmp_path / "other")) != secret(key)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "k: file: is empty"),
        ("number = SECRET", "k: key: not a key file made by dorn key"),
        ('number = 256\ncounter = 0\nsecret = "SECRET"', "k: number: not a whole number from 0 to 255 (256)"),
        ('number = 1\ncounter = true\nsecret = "SECRET"', "k: counter: not a whole number from 0 to 4294967295 (True)"),
        ('number = 1\ncounter = 1\nsecret = "SECRET00"', "k: secret: not 32 octets in hex"),
        ("number = 1\ncounter = 1\nsecret = 7", "k: secret: not 32 octets in hex"),
    ],
)
def test_an_invalid_file_is_reported_in_one_line_without_the_secret(text, message, write, capsys):
    path = write("k", text.replace("SECRET", "5e" * 32))
    os.chmod(path, 0o600)
    assert main(["tc", "ping", "--target", "unix", "--key", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("dorn: ") and message in error and error.count("\n") == 1 and "5e5e" not in error


def test_a_file_that_others_may_read_is_rejected(key, capsys):
    key.path.chmod(0o640)
    with pytest.raises(UserError, match="others may read it"):
        Key.load(key.path)
    assert main(["key", str(key.path) + "2", "--number", "256"]) == 2
    assert "--number: N: not a whole number from 0 to 255 (256)" in capsys.readouterr().err


def test_an_exhausted_counter_is_reported(key):
    key._write(MOST - 1)
    assert key.sign(PING)[-12:-8] == b"\xff" * 4
    with pytest.raises(UserError, match="counter: is used up"):
        key.sign(PING)


def _sign(path, results):
    key = Key.load(path)
    results.put([key.sign(PING)[-12:-8] for _ in range(50)])


def test_two_processes_never_use_a_counter_twice(key):
    results = multiprocessing.Queue()
    processes = [multiprocessing.Process(target=_sign, args=(key.path, results)) for _ in range(2)]
    for process in processes:
        process.start()
    used = results.get(timeout=60) + results.get(timeout=60)
    for process in processes:
        process.join()
    assert len(set(used)) == 100 and counter(key) == 100


def test_the_counter_is_on_disk_before_the_telecommand_is_sent(key):
    class Target(UnixTarget):
        def send(self, data):
            assert counter(key) == 1
            raise KeyboardInterrupt

    with Target() as target, pytest.raises(KeyboardInterrupt):
        Instrument(target, key).post("ping")
    assert key.sign(PING)[-12:-8] == b"\0\0\0\2"


# ---- with the instrument -----------------------------------------------------------------------------


@both_if_long
def test_only_signed_telecommands_are_accepted(where, key, tmp_path):
    with open_simulated(where, files=files(where, key.board_file)) as target:
        i = Instrument(target, key)
        i.connect()
        i.command("ping")  # also signs the challenge that the instrument sends for a new key
        before = i.next("housekeeping")["authentication_failures"]

        def refused(content, number):
            target.send(frames.encode(content))
            report = i.wait_for(lambda p: p.fields.get("request_sequence") == 0xC000 | number, 5)
            assert report.name == "acceptance_failure"
            return report.text("failure")

        def ping(number):
            return DICTIONARY.encode("ping", number)

        good = key.sign(ping(100))
        target.send(frames.encode(good))
        i.wait_for(lambda p: p.name == "completion_success", 5)
        assert refused(good, 100) == "replayed"
        assert refused(ping(101), 101) == "unsigned"
        assert refused(Key(key.path, 4, secret(key))._signed(ping(102), 1000), 102) == "unsigned"
        assert refused(Key(key.path, 3, bytes(32))._signed(ping(103), 1001), 103) == "forged"
        signed = key.sign(ping(104))
        assert refused(signed[:-1] + bytes([signed[-1] ^ 1]), 104) == "forged"
        other = key.sign(ping(105))
        assert refused(ping(106) + other[len(ping(105)) :], 106) == "forged"
        assert i.next("housekeeping")["authentication_failures"] == before + 6
        i.command("ping")


def test_after_a_reset_the_ground_resynchronises_and_old_frames_are_still_rejected(key):
    with open_simulated("unix", files=files("unix", key.board_file)) as target:
        i = Instrument(target, key)
        i.connect()
        i.command("ping")
        old = key.sign(DICTIONARY.encode("ping", 77))
        target.send(frames.encode(old))
        i.wait_for(lambda p: p.name == "completion_success", 5)
        target.power_cycle()
        i.next("housekeeping")
        target.send(frames.encode(old))
        report = i.wait_for(lambda p: p.fields.get("request_sequence") == 0xC000 | 77, 5)
        assert report.text("failure") == "replayed"
        before = counter(key)
        i.command("set_parameter", parameter="rates_period", value=7)
        assert before < counter(key) <= before + 70
        i.command("ping")


def test_a_new_key_restarts_the_counter_and_with_a_damaged_one_nothing_is_accepted(key, tmp_path):
    other = Key.create(tmp_path / "other.key", 3)
    flash = tmp_path / "flash"
    key._write(1000)
    for content, signer in ((key.board_file, key), (other.board_file, other)):
        with open_simulated("unix", flash=flash, files=files("unix", content)) as target:
            i = Instrument(target, signer)
            i.connect()
            assert not i.last("housekeeping")["authentication_failures"]
            i.command("ping")
    for damaged in (b"", key.board_file[:-1], key.board_file + b"\0"):
        with open_simulated("unix", files=files("unix", damaged)) as target:
            i = Instrument(target, Key(other.path, 0, bytes(32)))
            i.connect()
            target.send(frames.encode(i.key._signed(DICTIONARY.encode("ping", 9), 5000)))
            report = i.wait_for(lambda p: p.fields.get("request_sequence") == 0xC009, 5)
            assert report.text("failure") == "unsigned"


def test_without_the_key_the_refusal_is_reported(key):
    with open_simulated("unix", files=files("unix", key.board_file)) as target:
        i = Instrument(target)
        i.connect()
        with pytest.raises(CommandFailed, match="unsigned"):
            i.command("ping")


def test_housekeeping_is_requested_with_the_key(key):
    with open_simulated("unix", files=files("unix", key.board_file)) as target:
        i = Instrument(target, key)
        i.connect()
        i.command("set_parameter", parameter="housekeeping_period", value=3600)
        begin_us = target.now_us
        Instrument(target, key).connect()
        assert target.now_us - begin_us < 3e6


def test_an_instrument_with_a_long_housekeeping_period_is_found_quickly():
    with open_simulated("unix") as target:
        i = Instrument(target)
        i.connect()
        i.command("set_parameter", parameter="housekeeping_period", value=3600)
        begin_us = target.now_us
        assert Instrument(target).connect().text("mode") == "standby"
        assert target.now_us - begin_us < 3e6
        with pytest.raises(UserError, match="no housekeeping packet within 5 s"):
            Instrument(target).connect(5, ask=False)


def test_the_commands_accept_a_key(key, monkeypatch, capsys):
    """They sign their telecommands, so an instrument without a key refuses them."""
    assert main(["tc", "ping", "--target", "unix", "--key", str(key.path)]) == 1
    assert "bad_length" in capsys.readouterr().err and counter(key) == 1
    path = procedure.PROCEDURES / "commissioning.txt"
    assert main(["procedure", str(path), "--target", "unix", "--key", str(key.path)]) == 1
    assert counter(key) == 2
