"""Products do not depend on the order of the packets in the archive, and damage costs only the packets that it hits."""

import random
from collections import Counter
from contextlib import contextmanager

import pytest
from dorn.head.front_end import FrontEnd, Head
from dorn.link import archive
from dorn.link.archive import Archive
from dorn.link.boundaries import crc16
from dorn.products.products import FILES, Products
from dorn.session.acquire import collect
from dorn.session.instrument import Instrument
from dorn.targets.unix import UnixTarget
from particles import poisson
from support.instrument import play
from support.kept import damage
from support.packets import tm
from support.products import DICTIONARY, content, decoded

SHUFFLES, DAMAGES = 200, 10_000


@contextmanager
def session(path, flash):
    with UnixTarget(Head(FrontEnd()), flash) as target:
        i = Instrument(target)
        i.record(path, keep=path.exists())
        i.connect()
        yield i
        i.close()


def stop(i):
    collect(i, lambda i: i.function("stop"))


def acquire(i, seconds: int):
    """Acquire, with integrations of 4 s; the last one is not completed."""
    i.start()
    play(i, poisson(200, seconds, seed=seconds, pairs=0.2))


@pytest.fixture(scope="module")
def packets(tmp_path_factory) -> list[bytes]:
    """Packets of two instruments. The first is reset while it acquires, is asked for its records again, and loses its
    boot record before it continues."""
    folder = tmp_path_factory.mktemp("runs")
    one, other, flash = folder / "one.ccsds", folder / "other.ccsds", folder / "flash"
    with session(one, flash) as i:
        i.set_parameters(integration_time=4, rates_period=1, storage_delay=1, checkpoint_period=1)
        acquire(i, 6)
        i.reboot(i.target.reset)  # within an integration
        acquire(i, 2)
        i.command("retrieve_records", first=1, last=40)
        stop(i)
        i.advance(3)
    for copy in (flash / "kept").glob("boot.?"):
        damage(copy)
    with session(one, flash) as i:
        i.function("standby")
        acquire(i, 2)
        i.reboot(i.target.power_cycle)
        i.command("retrieve_records", first=1, last=100_000)
        i.advance(3)
    with session(other, folder / "other") as i:
        acquire(i, 2)
        stop(i)
    return [*archive.read(one), *archive.read(other)]


@pytest.fixture(scope="module")
def expected(packets) -> tuple:
    return content(decoded(b"".join(packets)))


def test_the_archive_has_what_makes_order_difficult(packets):
    collected = decoded(b"".join(packets))
    events = Counter(packet.text("event") for packet in _decoded(packets) if "event" in packet.fields)
    assert events["booted"] == 5 and events["spectra_recovered"] >= 2
    assert len(collected.archive.unique_ids) == 3 and len(set(collected.archive.unique_ids.values())) == 2
    assert sum(collected.summary()[name] for name in ("sequence_gaps", "incomplete_spectra", "not_understood")) == 0


def _decoded(packets):
    return [DICTIONARY.decode(octets) for octets in packets]


def test_any_two_neighbours_may_be_swapped(packets, expected):
    for n in range(len(packets) - 1):
        swapped = packets.copy()
        swapped[n : n + 2] = swapped[n : n + 2][::-1]
        assert content(decoded(b"".join(swapped))) == expected, f"packets {n} and {n + 1}"


def test_any_shuffle_gives_the_same(packets, expected):
    rng = random.Random(1)
    for n in range(SHUFFLES):
        shuffled = packets.copy()
        rng.shuffle(shuffled)
        shuffled += rng.sample(shuffled, rng.randint(0, 50))  # some of them twice
        assert content(decoded(b"".join(shuffled))) == expected, f"shuffle {n}"
    assert content(decoded(b"".join(packets[::-1]))) == expected


def test_a_shuffled_archive_decodes_to_the_same_files(packets, tmp_path):
    shuffled = packets.copy()
    random.Random(2).shuffle(shuffled)
    for name, order in (("one", packets), ("other", shuffled)):
        (tmp_path / "a").write_bytes(b"".join(order))
        with Archive(DICTIONARY, tmp_path / "a") as found:
            Products(found).write(tmp_path / name)
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


class Damaged:
    """An archive that is damaged at random several times; `lost`: positions of the packets hit."""

    def __init__(self, packets, seed):
        self.rng = random.Random(seed)
        self.pieces = list(packets)
        self.lost = set()
        self.foreign = 0

    def hit(self, n: int) -> None:
        """Damage packet n, or insert octets before it."""
        kind = self.rng.choice(("flip", "cut", "double", "foreign", "noise"))
        octets = self.pieces[n]
        at = self.rng.randrange(len(octets))
        if kind == "foreign":
            self.pieces[n] = tm(5, 1, self.rng.randbytes(20), apid=200) + octets
        elif kind == "noise":
            self.pieces[n] = b"\xff" + self.rng.randbytes(self.rng.randint(0, 30)) + octets
        elif kind == "double":
            self.pieces[n] = octets[:at] + octets
        else:
            self.lost.add(n)
            end = at + self.rng.randint(1, len(octets) - at)
            rest = (
                octets[end:] if kind == "cut" else bytes([octets[at] ^ 1 << self.rng.randrange(8)]) + octets[at + 1 :]
            )
            self.pieces[n] = octets[:at] + rest


def test_damage_costs_exactly_the_packets_that_it_hits(packets, tmp_path):
    path = tmp_path / archive.NAME
    rng = random.Random(3)
    total = by_chance = 0
    unique = list(dict.fromkeys(packets))
    order = {octets: n for n, octets in enumerate(unique)}
    while total < DAMAGES:
        damaged = Damaged(unique, rng.random())
        hits = rng.sample(range(len(unique)), rng.randint(1, len(unique) // 4))
        for n in hits:
            damaged.hit(n)
        total += len(hits)
        path.write_bytes(b"".join(damaged.pieces))
        with Archive(DICTIONARY, path, chunk=1 << 16) as found:
            ranges = [(part.data, *ends) for part in found.parts() for ends in zip(part.starts, part.ends, strict=True)]
        kept = [data[start:end] for data, start, end in ranges]
        assert len(found) == len(kept)
        # shifted octets have a valid CRC once in 65 536 times; they then hide a packet that starts within them, and may
        # be of an unknown type; a packet without its last octet may end with the first octet of the next
        strangers = [octets for octets in kept if octets not in order]
        missing = set(range(len(unique))) - damaged.lost - {order[octets] for octets in kept if octets in order}
        by_chance += max(len(strangers), len(missing))
        assert all(crc16(octets) == 0 for octets in strangers)
        assert len(set(kept)) == len(kept)
    assert by_chance <= 5  # of 10 000 cases of damage, each of which may shift several headers


def _archive(octets: bytes):
    return decoded(octets, chunk=1 << 16).archive
