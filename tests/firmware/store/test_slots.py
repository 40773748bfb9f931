"""fsw/store/slots.py: damage, sequence number wrap and failing writes; files are created and read by the host."""

import struct
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.micropython import Child
from support.onboard import FOLDER, script

SCRIPT = script("slots")
ENOSPC, EROFS, EISDIR = 28, 30, 21


@pytest.fixture(scope="module")
def child():
    with Child(SCRIPT, heap_kb=384, path=[FOLDER]) as child:
        yield child


class Copies:
    """The files of the two copies, on the host."""

    def __init__(self, child, folder):
        self._child = child
        self.path = folder / "state"
        self.files = [folder / "state.0", folder / "state.1"]

    def put(self, *contents: bytes | None) -> None:
        for file, content in zip(self.files, contents, strict=True):
            file.unlink(missing_ok=True)
            if content is not None:
                file.write_bytes(content)

    def get(self) -> list[bytes | None]:
        return [file.read_bytes() if file.exists() else None for file in self.files]

    def load(self) -> tuple[bytes | None, int]:
        """Payload and the number of bad copies."""
        return loaded(self._child.ask(f"load {self.path}"))

    def save(self, payload: bytes) -> str:
        return self._child.ask(f"save {self.path} {payload.hex()}")


@pytest.fixture(scope="module")
def copies(child, tmp_path_factory):
    return Copies(child, tmp_path_factory.mktemp("slots"))


def loaded(answer: str) -> tuple[bytes | None, int]:
    payload, bad = answer.split(" ")
    return None if payload == "none" else bytes.fromhex(payload), int(bad)


def copy(sequence: int, payload: bytes) -> bytes:
    body = struct.pack(">I", sequence % 2**32) + payload
    return body + struct.pack(">I", zlib.crc32(body))


payloads = st.one_of(st.binary(min_size=1, max_size=64), st.integers(1, 512).map(lambda n: b"\xff" * n))
sequences = st.one_of(st.integers(0, 2**32 - 1), st.integers(-3, 3), st.integers(2**31 - 3, 2**31 + 3))


@st.composite
def damages(draw):
    """A function that damages a valid copy; it returns None if the copy is deleted."""
    kind = draw(st.sampled_from(["flip", "truncate", "extend", "delete", "blank"]))
    place, bit = draw(st.floats(0, 1, exclude_max=True)), draw(st.integers(0, 7))
    more = draw(st.binary(min_size=1, max_size=1000))

    def damage(content: bytes) -> bytes | None:
        at = int(place * len(content))
        if kind == "flip":
            return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
        return {"truncate": content[:at], "extend": content + more, "delete": None, "blank": b"\xff" * at}[kind]

    return damage


@given(st.lists(payloads, min_size=1, max_size=6))
def test_the_last_saved_state_is_loaded(copies, saved):
    copies.put(None, None)
    assert copies.load() == (None, 0)
    before = [None, None]
    for n, payload in enumerate(saved):
        assert loaded(copies.save(payload)) == (payload, 0)
        before[n % 2] = copy(n, payload)
        assert copies.get() == before  # the other copy is unchanged


@given(payloads, payloads, sequences, st.integers(1, 2**31 - 1), st.booleans())
@example(b"old", b"new", 2**32 - 1, 1, False)
@example(b"old", b"new", 2**32 - 1, 1, True)
def test_the_newer_copy_is_used_also_across_a_wrap(copies, old, new, sequence, distance, swapped):
    contents = [copy(sequence, old), copy(sequence + distance, new)]
    copies.put(*(reversed(contents) if swapped else contents))
    assert copies.load() == (new, 0)
    assert loaded(copies.save(b"newest")) == (b"newest", 0)
    contents[0] = copy(sequence + distance + 1, b"newest")
    assert copies.get() == (contents[::-1] if swapped else contents)


@given(payloads, payloads, sequences, st.booleans(), damages())
def test_with_one_copy_damaged_the_other_is_used_and_it_is_replaced(copies, old, new, sequence, newer, damage):
    contents = [copy(sequence, old), copy(sequence + 1, new)]
    contents[newer] = damage(contents[newer])
    copies.put(*contents)
    assert copies.load() == (old if newer else new, bool(contents[newer]))  # an empty file was never closed
    assert loaded(copies.save(b"next")) == (b"next", 0)
    contents[newer] = copy(sequence + (1 if newer else 2), b"next")
    assert copies.get() == contents


@given(payloads, payloads, sequences, damages(), damages())
def test_two_damaged_copies_give_no_state(copies, old, new, sequence, damage, other):
    contents = [damage(copy(sequence, old)), other(copy(sequence + 1, new))]
    copies.put(*contents)
    bad = sum(map(bool, contents))
    assert copies.load() == (None, bad)
    assert loaded(copies.save(b"new")) == (b"new", int(bool(contents[1])))
    assert copies.get() == [copy(0, b"new"), contents[1]]


@given(st.binary(max_size=600), st.binary(max_size=600))
def test_noise_gives_no_state(copies, one, other):
    copies.put(one, other)
    assert copies.load() == (None, bool(one) + bool(other))


def test_blank_flash_gives_no_state(copies):
    """The CRC-32 of four octets 0xFF is 0xFFFFFFFF, so eight of them would be a copy with an empty payload."""
    assert copy(2**32 - 1, b"") == b"\xff" * 8
    for n in range(1, 521):
        copies.put(b"\xff" * n, b"\0" * n)
        assert copies.load() == (None, 2), n


@pytest.mark.parametrize("n", [0, 513])
def test_a_payload_of_wrong_length_is_rejected(copies, n):
    copies.put(copy(1, b"state"), None)
    assert copies.save(bytes(n)).startswith("ValueError")
    assert copies.get() == [copy(1, b"state"), None]
    copies.put(copy(1, b"state"), copy(2, bytes(n)))
    assert copies.load() == (b"state", 1)


def test_a_copy_longer_than_the_maximum_is_damaged(copies):
    copies.put(copy(1, bytes(512)), copy(2, b"\xff" * 512) + b"\0")
    assert copies.load() == (bytes(512), 1)


def test_a_copy_that_cannot_be_read_or_written_is_damaged(copies):
    copies.put(copy(1, b"state"), None)
    copies.files[1].mkdir()
    try:
        assert copies.load() == (b"state", 1)
        assert copies.save(b"next") == f"OSError {EISDIR}"
        assert copies.load() == (b"state", 1)
    finally:
        copies.files[1].rmdir()


# -- on littlefs, where writing fails ----------------------------------------------------------------------------------


def ask(child, *words):
    return child.ask(" ".join(words))


@pytest.mark.parametrize("size", [40, 512])
@pytest.mark.parametrize("saved", [1, 2, 3])
def test_a_full_flash_leaves_the_old_state(child, size, saved):
    ask(child, "fresh")
    for n in range(saved):
        ask(child, "save", "/flash/state", bytes([n] * size).hex())
    assert ask(child, "fill") == f"{ENOSPC} {ENOSPC}"
    state, full = bytes([saved - 1] * size), 0
    for n in range(4):  # a failed write may free a block: a later one may succeed
        output = ask(child, "save", "/flash/state", bytes([200 + n] * 512).hex())
        if output == f"OSError {ENOSPC}":
            full += 1
        else:
            state = bytes([200 + n] * 512)
            assert loaded(output)[0] == state
        assert loaded(ask(child, "load", "/flash/state"))[0] == state
        ask(child, "remount", "again")
        assert loaded(ask(child, "load", "/flash/state"))[0] == state
    assert full


@pytest.mark.parametrize("saved", [1, 2, 3])
def test_a_flash_that_cannot_be_written_leaves_the_old_state(child, saved):
    ask(child, "fresh")
    for n in range(saved):
        ask(child, "save", "/flash/state", bytes([n] * 200).hex())
    ask(child, "remount", "readonly")
    assert ask(child, "save", "/flash/state", "77") == f"OSError {EROFS}"
    assert loaded(ask(child, "load", "/flash/state")) == (bytes([saved - 1] * 200), 0)
    ask(child, "remount", "again")
    assert loaded(ask(child, "load", "/flash/state")) == (bytes([saved - 1] * 200), 0)
    assert loaded(ask(child, "save", "/flash/state", "77")) == (b"\x77", 0)
