"""Authentication of telecommands; the oracle is Python's hmac."""

import hmac
import random

import pytest
from dorn.link import frames
from instrument import DICTIONARY, both, instrument

NUMBER, KEY = 7, bytes(range(100, 132))
AHEAD = 64  # counters that a reset may skip


@pytest.fixture
def flash(tmp_path):
    """A flash with a key on board."""
    (tmp_path / "key").write_bytes(bytes([NUMBER]) + KEY)
    return tmp_path


def trailer(packet, counter, key=KEY, number=NUMBER):
    signed = bytes([number]) + counter.to_bytes(4, "big")
    return signed + hmac.digest(key, packet + signed, "sha256")[:8]


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
    return len([p for p in i.said if p.name == "pong"])


def test_what_is_signed_is_performed(flash):
    with instrument("unix", flash) as i:
        for n, counter in enumerate((1, 2, 3, 1000, 2**31, 2**32 - 1)):
            assert signed(i, n, counter) == TAKEN
        i.advance(0.5)
        assert pongs(i) == 6
        assert i.next("housekeeping")["unauthentic"] == 0


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
        assert hk["unauthentic"] == hk["commands_rejected"] == len(wrong) and hk["commands_accepted"] == 1
        # none of them has moved the counter
        assert signed(i, 2, 51) == TAKEN


def test_a_damaged_packet_under_a_good_tag_is_a_damaged_packet(flash):
    packet = ping(9)
    packet = packet[:-1] + bytes([packet[-1] ^ 1])
    with instrument("unix", flash) as i:
        assert send(i, packet + trailer(packet, 1)) == refusal("bad_crc")


@both
def test_what_was_heard_before_a_reset_is_not_taken_after_it(where, tmp_path):
    options = {}
    if where == "unix":
        (tmp_path / "key").write_bytes(bytes([NUMBER]) + KEY)
        options["flash"] = tmp_path
    else:
        import chip

        options["files"] = chip.firmware_files() | {"key": bytes([NUMBER]) + KEY}
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
        kept, states = flash / "kept", set()
        for counter in range(1, 2 * AHEAD):
            assert signed(i, counter, counter) == TAKEN
            states.add(tuple(sorted((f.name, f.read_bytes()) for f in kept.glob("counter*"))))
        assert len(states) == 2


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
        assert pongs(i) == 1 and i.next("housekeeping")["unauthentic"] == 0


def test_noise_under_a_key_is_refused_and_stops_nothing(flash):
    rng = random.Random(8)
    with instrument("unix", flash) as i:
        for _ in range(200):
            i.target.send(frames.encode(rng.randbytes(rng.randrange(1, 60))))
        i.advance(1)
        assert pongs(i) == 0
        assert signed(i, 1, 1) == TAKEN
        hk = i.next("housekeeping")
        assert hk["unauthentic"] == 200 and hk["task_failures"] == 0
