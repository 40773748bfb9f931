"""Authentication of telecommands; the oracle is Python's hmac."""

import hmac
import random
import zlib

import pytest
from dorn.link import frames
from kept_flash import FLASH, Littlefs
from support import chip
from support.instrument import DICTIONARY, both, instrument

NUMBER, KEY = 7, bytes(range(100, 132))
AHEAD = 64  # counters that a reset may skip


def copy(counter, key=KEY):
    """A copy of the counter, as it is on flash."""
    body = bytes(4) + counter.to_bytes(4, "big") + hmac.digest(key, b"", "sha256")[:8]
    return body + zlib.crc32(body).to_bytes(4, "big")


FILES = {"key": bytes([NUMBER]) + KEY, "kept/counter.0": copy(0), "kept/counter.1": copy(0)}


@pytest.fixture
def flash(tmp_path):
    """A flash with a key on board that was used before."""
    for path, content in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    return tmp_path


def challenge(i):
    """The last one the instrument number."""
    return b"".join(half.to_bytes(4, "big") for half in i.events("challenge")[-1])


def trailer(packet, counter, key=KEY, number=NUMBER, over=b""):
    signed = bytes([number]) + counter.to_bytes(4, "big")
    return signed + hmac.digest(key, packet + signed + over, "sha256")[:8]


def ping(sequence):
    return DICTIONARY.encode("ping", sequence, ack=0b1001)


def send(i, content, limit_s=3):
    """A frame with that content. -> (name of the first report on it, failure)"""
    sequence = int.from_bytes(content[2:4], "big")
    mine = lambda p: p.service == 1 and p.fields["request_sequence"] == sequence  # noqa: E731
    report = i.wait_for(mine, limit_s, begin=lambda: i.target.send(frames.encode(content)))
    return report.name, report.text("failure") if "failure" in report.fields else None


def signed(i, sequence, counter, **how):
    packet = ping(sequence)
    return send(i, packet + trailer(packet, counter, **how))


TAKEN = ("acceptance_success", None)


def refusal(failure):
    return "acceptance_failure", failure


def pongs(i):
    return len([p for p in i.received if p.name == "pong"])


def test_what_is_signed_is_performed(flash):
    with instrument("unix", flash) as i:
        for n, counter in enumerate((1, 2, 3, 1000, 2**31, 2**32 - 1)):
            assert signed(i, n, counter) == TAKEN
        i.advance(0.5)
        assert pongs(i) == 6
        assert i.next("housekeeping")["authentication_failures"] == 0


def test_longest_and_shortest_telecommands_as_hmac_has_them(flash):
    """Data of any length up to the longest packet: the hash goes over one block, two, ..."""
    rng = random.Random(5)
    with instrument("unix", flash) as i:
        for n, octets in enumerate((0, 31, 32, 33, 95, 96, 97, 500, 580)):
            fields = dict(region="thresholds", offset=0, data=rng.randbytes(octets))
            packet = DICTIONARY.encode("load_memory", n, **fields)
            assert send(i, packet + trailer(packet, n + 1)) == TAKEN, octets  # out of range, which comes later


def test_each_way_of_being_wrong_has_its_code_and_nothing_is_executed(flash):
    other, packet = bytes(32), ping(50)
    good = trailer(packet, 100)
    with instrument("unix", flash) as i:
        assert signed(i, 1, 50) == TAKEN
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
            assert send(i, content) == refusal(failure), content.hex()
        i.advance(0.5)
        assert pongs(i) == before
        hk = i.next("housekeeping")
        assert hk["authentication_failures"] == hk["commands_rejected"] == len(wrong) and hk["commands_accepted"] == 1
        # none of them has moved the counter
        assert signed(i, 2, 51) == TAKEN


def test_a_damaged_packet_under_a_good_tag_is_a_damaged_packet(flash):
    packet = ping(9)
    packet = packet[:-1] + bytes([packet[-1] ^ 1])
    with instrument("unix", flash) as i:
        assert send(i, packet + trailer(packet, 1)) == refusal("bad_crc")


@both
def test_what_was_heard_before_a_reset_is_not_taken_after_it(where, flash):
    options = {"flash": flash} if where == "unix" else {"files": chip.firmware_files() | FILES}
    with instrument(where, **options) as i:
        heard = [packet + trailer(packet, n) for n in range(1, 5) for packet in [ping(n)]]
        for content in heard:
            assert send(i, content) == TAKEN
        i.reboot(i.target.power_cycle)
        before = pongs(i)
        for content in heard:
            assert send(i, content) == refusal("replayed")
        assert pongs(i) == before
        assert signed(i, 100, 5 + AHEAD + 1) == TAKEN
        assert send(i, ping(101)) == refusal("unsigned")


def test_counters_are_written_to_flash_in_blocks(flash):
    with instrument("unix", flash) as i:
        kept, states = (
            flash / "kept",
            {tuple(sorted((f.name, f.read_bytes()) for f in (flash / "kept").glob("counter*")))},
        )
        for counter in range(1, 2 * AHEAD):
            assert signed(i, counter, counter) == TAKEN
            states.add(tuple(sorted((f.name, f.read_bytes()) for f in kept.glob("counter*"))))
        assert len(states) == 3  # as it was found, too


def test_no_reset_between_any_two_telecommands_lets_one_in_again(flash):
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
                assert send(i, old) == refusal("replayed")
        assert len(taken) > 2


@pytest.mark.parametrize("octets", [0, 1, 32])
def test_a_damaged_key_lets_nobody_in(tmp_path, octets):
    """Nor is it a key that anybody could guess."""
    (tmp_path / "key").write_bytes((bytes([NUMBER]) + KEY)[:octets])
    with instrument("unix", tmp_path) as i:
        n = 0
        for number in {0, NUMBER, 255}:
            for key in (KEY, bytes(32), KEY[:31] + b"\0"):
                n += 1
                assert signed(i, n, n, key=key, number=number) == refusal("unsigned")
        assert send(i, ping(99)) == refusal("unsigned") and pongs(i) == 0


def test_without_a_key_every_telecommand_is_taken():
    with instrument("unix") as i:
        assert send(i, ping(1)) == TAKEN
        i.advance(0.5)
        assert pongs(i) == 1 and i.next("housekeeping")["authentication_failures"] == 0


def test_noise_under_a_key_is_refused_and_stops_nothing(flash):
    rng = random.Random(8)
    with instrument("unix", flash) as i:
        for _ in range(200):
            i.target.send(frames.encode(rng.randbytes(rng.randrange(1, 60))))
        i.advance(1)
        assert pongs(i) == 0
        assert signed(i, 1, 1) == TAKEN
        hk = i.next("housekeeping")
        assert hk["authentication_failures"] == 200 and hk["task_failures"] == 0


# -- the counter is damaged or lost ------------------------------------------------------------------------------------


@both
def test_a_new_key_wants_a_telecommand_signed_over_its_challenge(where, tmp_path):
    key = {"key": bytes([NUMBER]) + KEY}
    (tmp_path / "key").write_bytes(key["key"])
    options = {"flash": tmp_path} if where == "unix" else {"files": chip.firmware_files() | key}
    with instrument(where, **options) as i:
        assert signed(i, 1, 5) == refusal("unsynchronised")
        number = challenge(i)
        assert signed(i, 2, 5, over=bytes(8)) == refusal("forged")
        assert signed(i, 3, 5, over=number) == TAKEN
        assert signed(i, 4, 5, over=number) == refusal("forged")  # once
        assert signed(i, 5, 5) == refusal("replayed")
        assert signed(i, 6, 6) == TAKEN
        i.reboot(i.target.power_cycle)
        assert signed(i, 7, 6) == refusal("replayed") and signed(i, 8, 6 + AHEAD) == TAKEN
        assert i.events("challenge")[1:] == []


def test_the_challenge_is_repeated_but_not_for_every_telecommand(tmp_path):
    (tmp_path / "key").write_bytes(bytes([NUMBER]) + KEY)
    with instrument("unix", tmp_path) as i:
        i.advance(10)
        for n in range(50):
            assert signed(i, n, n + 1) == refusal("unsynchronised")
        first, *again = i.events("challenge")
        assert again == [first]
        i.reboot(i.target.power_cycle)
        assert i.events("challenge")[-1] != first  # nobody has seen it before


def test_with_all_copies_lost_nothing_old_is_taken(flash):
    with instrument("unix", flash) as i:
        heard = [ping(n) + trailer(ping(n), n) for n in range(1, 5)]
        assert [send(i, content) for content in heard] == [TAKEN] * 4
    for name in ("counter.0", "counter.1", "boot.0", "boot.1"):
        (flash / "kept" / name).unlink()
    with instrument("unix", flash) as i:
        assert i.events("counter_damaged") == [(3, 0)]
        for content in heard:
            assert send(i, content) == refusal("unsynchronised")
        synchronising = ping(9) + trailer(ping(9), 9, over=challenge(i))
        assert send(i, synchronising) == TAKEN
        for content in [*heard, synchronising]:
            assert send(i, content)[0] == "acceptance_failure"


WITH_KEY = f"""
try:
    with open("{FLASH}/key", "xb") as file:
        file.write({FILES["key"]!r})
except OSError:  # it is there
    pass
"""


@pytest.mark.parametrize("reset", ["power_cycle", "watchdog"])
@pytest.mark.parametrize("mended", ["before", "after"])
def test_a_flash_that_takes_no_counter_lets_nothing_in_twice(tmp_path, reset, mended):
    """Each telecommand needs a challenge of its own; whether the flash works again before a reset or after."""
    flash = Littlefs(tmp_path / "flash", 100)
    with flash.instrument(WITH_KEY) as i:
        assert signed(i, 1, 1, over=challenge(i)) == TAKEN
        flash.fail(30)
        heard = [ping(2) + trailer(ping(2), 1000)]
        assert send(i, heard[0]) == refusal("unsynchronised")
        for n in range(3, 7):
            heard.append(ping(n) + trailer(ping(n), 1000 + n, over=challenge(i)))
            assert send(i, heard[-1]) == TAKEN
        assert len(set(i.events("challenge"))) == len(i.events("challenge")) == 6
        if mended == "before":
            flash.fail(0)
        for _ in range(2):
            i.target.stall(9) if reset == "watchdog" else i.target.power_cycle()
            i.advance(12)
            flash.fail(0)
            # a scratch register tells that one was refused, but not over a power cycle
            for content in heard[1:] if reset == "power_cycle" else heard:
                assert send(i, content)[0] == "acceptance_failure"
        assert signed(i, 8, 2000, over=challenge(i) if reset == "watchdog" else b"") == TAKEN
        i.target.stall(9)
        i.advance(12)
        assert signed(i, 9, 3000) == TAKEN


@pytest.mark.parametrize("left", ["counter.0", "counter.1", "boot"])
def test_any_copy_alone_lets_nothing_old_in(flash, left):
    with instrument("unix", flash) as i:
        heard = ping(1) + trailer(ping(1), 1)
        assert send(i, heard) == TAKEN
    for name in ("counter.0", "counter.1"):
        if name != left:
            (flash / "kept" / name).write_bytes(b"damaged")
    with instrument("unix", flash) as i:
        assert i.events("counter_damaged")[0][0] == (2 if left == "boot" else 1)
        assert send(i, heard) == refusal("replayed")
        assert signed(i, 2, AHEAD + 2) == TAKEN  # which writes all copies anew
    with instrument("unix", flash) as i:
        assert not i.events("counter_damaged")


def test_a_key_of_zeros_is_none(tmp_path):
    (tmp_path / "key").write_bytes(bytes([NUMBER]) + bytes(32))
    with instrument("unix", tmp_path) as i:
        assert i.events("key_damaged") == [(0, 0)]
        assert signed(i, 1, 1, key=bytes(32)) == refusal("unsigned") and send(i, ping(2)) == refusal("unsigned")
