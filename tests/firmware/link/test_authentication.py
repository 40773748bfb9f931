"""Authentication of telecommands; the oracle is Python's hmac."""

import hmac
import random
import zlib

import pytest
from dorn.link import frames
from kept_flash import FLASH, Littlefs
from support import chip
from support.instrument import DICTIONARY, both_if_long, instrument

NUMBER, KEY = 7, bytes(range(100, 132))
AHEAD = 64  # counters that a reset may skip


def copy(counter, key=KEY):
    """A copy of the counter as stored on flash."""
    body = bytes(4) + counter.to_bytes(4, "big") + hmac.digest(key, b"", "sha256")[:8]
    return body + zlib.crc32(body).to_bytes(4, "big")


FILES = {"key": bytes([NUMBER]) + KEY, "kept/counter.0": copy(0), "kept/counter.1": copy(0)}


@pytest.fixture
def flash(tmp_path):
    """A flash with a key and its counter."""
    for path, content in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    return tmp_path


def challenge(i):
    """The last challenge reported by the instrument."""
    return b"".join(half.to_bytes(4, "big") for half in i.events("challenge")[-1])


def trailer(packet, counter, key=KEY, number=NUMBER, over=b""):
    signed = bytes([number]) + counter.to_bytes(4, "big")
    return signed + hmac.digest(key, packet + signed + over, "sha256")[:8]


def ping(sequence):
    return DICTIONARY.encode("ping", sequence, ack=0b1001)


def send(i, content, limit_s=3):
    """Send a frame. -> (name of its first verification report, failure)"""
    sequence = int.from_bytes(content[2:4], "big")
    mine = lambda p: p.service == 1 and p.fields["request_sequence"] == sequence  # noqa: E731
    report = i.wait_for(mine, limit_s, begin=lambda: i.target.send(frames.encode(content)))
    return report.name, report.text("failure") if "failure" in report.fields else None


def signed(i, sequence, counter, **how):
    packet = ping(sequence)
    return send(i, packet + trailer(packet, counter, **how))


ACCEPTED = ("acceptance_success", None)


def rejection(failure):
    return "acceptance_failure", failure


def pongs(i):
    return len([p for p in i.received if p.name == "pong"])


def test_signed_telecommands_are_executed(flash):
    with instrument("unix", flash) as i:
        for n, counter in enumerate((1, 2, 3, 1000, 2**31, 2**32 - 1)):
            assert signed(i, n, counter) == ACCEPTED
        i.advance(0.5)
        assert pongs(i) == 6
        assert i.next("housekeeping")["authentication_failures"] == 0


def test_shortest_to_longest_telecommands_agree_with_hmac(flash):
    """Data of all lengths up to the longest packet, so that the hash covers one block, two, ..."""
    rng = random.Random(5)
    with instrument("unix", flash) as i:
        for n, octets in enumerate((0, 31, 32, 33, 95, 96, 97, 500, 580)):
            fields = dict(region="thresholds", offset=0, data=rng.randbytes(octets))
            packet = DICTIONARY.encode("load_memory", n, **fields)
            assert send(i, packet + trailer(packet, n + 1)) == ACCEPTED, octets  # refused later, as out of range


def test_each_error_has_its_failure_code_and_nothing_is_executed(flash):
    other, packet = bytes(32), ping(50)
    good = trailer(packet, 100)
    with instrument("unix", flash) as i:
        assert signed(i, 1, 50) == ACCEPTED
        i.advance(0.5)
        before = pongs(i)
        wrong = [
            ("unsigned", packet),
            ("unsigned", packet + good[:-1]),
            ("unsigned", packet + good + b"\0"),
            ("unsigned", packet + trailer(packet, 100, number=NUMBER + 1)),
            ("forged", packet + trailer(packet, 100, key=other)),
            ("forged", packet + good[:4] + bytes([good[4] ^ 1]) + good[5:]),  # another counter
            ("forged", ping(51) + good),  # another telecommand
            ("replayed", packet + trailer(packet, 50)),
            ("replayed", packet + trailer(packet, 49)),
            ("replayed", packet + trailer(packet, 0)),
        ]
        wrong += [("forged", packet + good[:k] + bytes([good[k] ^ 1 << k % 8]) + good[k + 1 :]) for k in range(5, 13)]
        for failure, content in wrong:
            assert send(i, content) == rejection(failure), content.hex()
        i.advance(0.5)
        assert pongs(i) == before
        hk = i.next("housekeeping")
        assert hk["authentication_failures"] == hk["commands_rejected"] == len(wrong) and hk["commands_accepted"] == 1
        # none of them has advanced the counter
        assert signed(i, 2, 51) == ACCEPTED


def test_a_damaged_packet_with_a_valid_tag_is_rejected_for_its_crc(flash):
    packet = ping(9)
    packet = packet[:-1] + bytes([packet[-1] ^ 1])
    with instrument("unix", flash) as i:
        assert send(i, packet + trailer(packet, 1)) == rejection("bad_crc")


@both_if_long
def test_telecommands_recorded_before_a_reset_are_rejected_after_it(where, flash):
    options = {"flash": flash} if where == "unix" else {"files": chip.firmware_files() | FILES}
    with instrument(where, **options) as i:
        recorded = [packet + trailer(packet, n) for n in range(1, 5) for packet in [ping(n)]]
        for content in recorded:
            assert send(i, content) == ACCEPTED
        i.reboot(i.target.power_cycle)
        before = pongs(i)
        for content in recorded:
            assert send(i, content) == rejection("replayed")
        assert pongs(i) == before
        assert signed(i, 100, 5 + AHEAD + 1) == ACCEPTED
        assert send(i, ping(101)) == rejection("unsigned")


def test_counters_are_written_to_flash_in_blocks(flash):
    with instrument("unix", flash) as i:
        kept, states = (
            flash / "kept",
            {tuple(sorted((f.name, f.read_bytes()) for f in (flash / "kept").glob("counter*")))},
        )
        for counter in range(1, 2 * AHEAD):
            assert signed(i, counter, counter) == ACCEPTED
            states.add(tuple(sorted((f.name, f.read_bytes()) for f in kept.glob("counter*"))))
        assert len(states) == 3  # includes the initial state


def test_no_reset_makes_a_telecommand_acceptable_again(flash):
    rng = random.Random(3)
    with instrument("unix", flash) as i:
        counter, taken = 0, []
        for n in range(8):
            counter += rng.randrange(1, 3 * AHEAD)
            content = ping(n) + trailer(ping(n), counter)
            _name, failure = send(i, content)
            assert failure in (None, "replayed")  # a counter that a reset skipped
            if failure is None:
                taken.append(content)
            i.reboot(i.target.power_cycle)
            for old in taken:
                assert send(i, old) == rejection("replayed")
        assert len(taken) > 2


@pytest.mark.parametrize("octets", [0, 1, 32])
def test_with_a_damaged_key_no_telecommand_is_accepted(tmp_path, octets):
    """Nor is an obvious key accepted in its place."""
    (tmp_path / "key").write_bytes((bytes([NUMBER]) + KEY)[:octets])
    with instrument("unix", tmp_path) as i:
        n = 0
        for number in {0, NUMBER, 255}:
            for key in (KEY, bytes(32), KEY[:31] + b"\0"):
                n += 1
                assert signed(i, n, n, key=key, number=number) == rejection("unsigned")
        assert send(i, ping(99)) == rejection("unsigned") and pongs(i) == 0


def test_without_a_key_every_telecommand_is_accepted():
    with instrument("unix") as i:
        assert send(i, ping(1)) == ACCEPTED
        i.advance(0.5)
        assert pongs(i) == 1 and i.next("housekeeping")["authentication_failures"] == 0


def test_with_a_key_noise_is_rejected_and_harmless(flash):
    rng = random.Random(8)
    with instrument("unix", flash) as i:
        for _ in range(200):
            i.target.send(frames.encode(rng.randbytes(rng.randrange(1, 60))))
        i.advance(1)
        assert pongs(i) == 0
        assert signed(i, 1, 1) == ACCEPTED
        hk = i.next("housekeeping")
        assert hk["authentication_failures"] == 200 and hk["task_failures"] == 0


# -- the counter is damaged or lost ------------------------------------------------------------------------------------


@both_if_long
def test_a_new_key_needs_a_telecommand_signed_over_its_challenge(where, tmp_path):
    key = {"key": bytes([NUMBER]) + KEY}
    (tmp_path / "key").write_bytes(key["key"])
    options = {"flash": tmp_path} if where == "unix" else {"files": chip.firmware_files() | key}
    with instrument(where, **options) as i:
        assert signed(i, 1, 5) == rejection("unsynchronised")
        number = challenge(i)
        assert signed(i, 2, 5, over=bytes(8)) == rejection("forged")
        assert signed(i, 3, 5, over=number) == ACCEPTED
        assert signed(i, 4, 5, over=number) == rejection("forged")  # valid only once
        assert signed(i, 5, 5) == rejection("replayed")
        assert signed(i, 6, 6) == ACCEPTED
        i.reboot(i.target.power_cycle)
        assert signed(i, 7, 6) == rejection("replayed") and signed(i, 8, 6 + AHEAD) == ACCEPTED
        assert i.events("challenge")[1:] == []


def test_the_challenge_is_not_repeated_for_every_telecommand(tmp_path):
    (tmp_path / "key").write_bytes(bytes([NUMBER]) + KEY)
    with instrument("unix", tmp_path) as i:
        i.advance(10)
        for n in range(50):
            assert signed(i, n, n + 1) == rejection("unsynchronised")
        first, *again = i.events("challenge")
        assert again == [first]
        i.reboot(i.target.power_cycle)
        assert i.events("challenge")[-1] != first  # a new challenge


def test_with_all_copies_lost_no_old_telecommand_is_accepted(flash):
    with instrument("unix", flash) as i:
        recorded = [ping(n) + trailer(ping(n), n) for n in range(1, 5)]
        assert [send(i, content) for content in recorded] == [ACCEPTED] * 4
    for name in ("counter.0", "counter.1", "boot.0", "boot.1"):
        (flash / "kept" / name).unlink()
    with instrument("unix", flash) as i:
        assert i.events("counter_damaged") == [(3, 0)]
        for content in recorded:
            assert send(i, content) == rejection("unsynchronised")
        synchronising = ping(9) + trailer(ping(9), 9, over=challenge(i))
        assert send(i, synchronising) == ACCEPTED
        for content in [*recorded, synchronising]:
            assert send(i, content)[0] == "acceptance_failure"


WITH_KEY = f"""
try:
    with open("{FLASH}/key", "xb") as file:
        file.write({FILES["key"]!r})
except OSError:  # it exists
    pass
"""


@pytest.mark.parametrize("reset", ["power_cycle", "watchdog"])
@pytest.mark.parametrize("mended", ["before", "after"])
def test_with_a_failed_flash_no_telecommand_is_accepted_twice(tmp_path, reset, mended):
    """Each telecommand needs its own challenge, whether the flash works again before or after a reset."""
    flash = Littlefs(tmp_path / "flash", 100)
    with flash.instrument(WITH_KEY) as i:
        assert signed(i, 1, 1, over=challenge(i)) == ACCEPTED
        flash.fail(30)
        recorded = [ping(2) + trailer(ping(2), 1000)]
        assert send(i, recorded[0]) == rejection("unsynchronised")
        for n in range(3, 7):
            recorded.append(ping(n) + trailer(ping(n), 1000 + n, over=challenge(i)))
            assert send(i, recorded[-1]) == ACCEPTED
        assert len(set(i.events("challenge"))) == len(i.events("challenge")) == 6
        if mended == "before":
            flash.fail(0)
        for _ in range(2):
            i.target.stall(9) if reset == "watchdog" else i.target.power_cycle()
            i.advance(12)
            flash.fail(0)
            # a scratch register keeps the rejected counter, but not over a power cycle
            for content in recorded[1:] if reset == "power_cycle" else recorded:
                assert send(i, content)[0] == "acceptance_failure"
        assert signed(i, 8, 2000, over=challenge(i) if reset == "watchdog" else b"") == ACCEPTED
        i.target.stall(9)
        i.advance(12)
        assert signed(i, 9, 3000) == ACCEPTED


@pytest.mark.parametrize("left", ["counter.0", "counter.1", "boot"])
def test_with_any_single_copy_no_old_telecommand_is_accepted(flash, left):
    with instrument("unix", flash) as i:
        recorded = ping(1) + trailer(ping(1), 1)
        assert send(i, recorded) == ACCEPTED
    for name in ("counter.0", "counter.1"):
        if name != left:
            (flash / "kept" / name).write_bytes(b"damaged")
    with instrument("unix", flash) as i:
        assert i.events("counter_damaged")[0][0] == (2 if left == "boot" else 1)
        assert send(i, recorded) == rejection("replayed")
        assert signed(i, 2, AHEAD + 2) == ACCEPTED  # rewrites all copies
    with instrument("unix", flash) as i:
        assert not i.events("counter_damaged")


def test_an_all_zero_key_is_rejected(tmp_path):
    (tmp_path / "key").write_bytes(bytes([NUMBER]) + bytes(32))
    with instrument("unix", tmp_path) as i:
        assert i.events("key_damaged") == [(0, 0)]
        assert signed(i, 1, 1, key=bytes(32)) == rejection("unsigned") and send(i, ping(2)) == rejection("unsigned")
