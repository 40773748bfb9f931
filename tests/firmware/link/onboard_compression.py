# fsw/link/compression.py in isolation: the coded data decode to the samples, and no coding is shorter.
from array import array

from ccsds121 import BLOCK, decoded, octets
from check import equal, raises
from fsw.link.compression import encode

SPARE = 2  # octets after the coded data


class Noise:
    """Reproducible pseudo-random numbers."""

    def __init__(self):
        self._state = 1

    def below(self, n):
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._state >> 8) % n


def code(samples, bits, room=4500):
    """-> (samples coded, their octets); checks that the buffer around them is unchanged"""
    source = array("H", [0xFFFF & ~samples[0]] + samples + [0xFFFF & ~samples[-1]])
    out = bytearray([0xA5] * (room + SPARE + 4))
    coded, n = encode(source, 1, len(samples), bits, memoryview(out)[: room + SPARE])
    equal(bytes(out[room + SPARE :]), b"\xa5" * 4)
    return coded, bytes(out[:n])


def check(samples, bits):
    coded, data = code(samples, bits)
    equal((coded, len(data)), (len(samples), octets(samples, bits)))
    equal(decoded(data, coded, bits), samples)


def test_noise_of_any_height_around_any_level():
    noise = Noise()
    for bits in (1, 2, 3, 7, 8, 9, 12, 15, 16):
        most = (1 << bits) - 1
        for height in range(bits + 1):
            for level in (0, most // 3, most):
                samples = []
                for _ in range(2 * BLOCK):
                    samples.append(min(max(level + noise.below(1 << height) - noise.below(1 << height), 0), most))
                check(samples, bits)


def test_sparse_counts():
    noise = Noise()
    for bits in (3, 8, 9, 16):
        for rare in (2, 3, 4, 6, 9, 20, 60):
            samples = [(noise.below(rare) == 0) * (1 + noise.below(3)) for _ in range(6 * BLOCK)]
            check(samples, bits)
            check([5 + sample for sample in samples] if bits > 3 else samples, bits)


def test_one_step_of_any_height_at_any_position():
    for bits in (4, 8, 16):
        for bit in range(bits):
            for at in (1, 2, 14, 15, 16, 17, 31):
                check([0] * at + [1 << bit] * (2 * BLOCK - at), bits)
                check([(1 << bits) - 1] * at + [(1 << bit) - 1] * (2 * BLOCK - at), bits)


def test_blocks_without_a_change():
    for bits in (8, 16):
        for blocks in (1, 2, 3, 4, 5, 6, 7, 20, 63, 64):
            check([9] * (BLOCK * blocks), bits)
            if blocks < 63:
                check([9] * (BLOCK * blocks) + list(range(BLOCK)), bits)
                check(list(range(BLOCK)) + [BLOCK - 1] * (BLOCK * blocks), bits)
                check(list(range(BLOCK)) + [BLOCK - 1] * (BLOCK * blocks) + list(range(BLOCK)), bits)


def test_a_change_within_a_block_ends_a_run_of_equal_blocks():
    for blocks in (1, 4, 5, 6):
        for more in (1, 15):
            check([9] * (BLOCK * blocks + more) + [10] * (2 * BLOCK - more), 16)


def test_samples_beyond_the_range_are_not_read():
    for before in (0, 1, 2, 3):
        for blocks in (1, 2, 4, 5):
            samples = list(range(BLOCK)) * before + [BLOCK - 1] * (BLOCK * blocks)
            out = bytearray(1000)
            coded, n = encode(array("H", samples + [BLOCK - 1] * 128), 0, len(samples), 16, out)
            equal((coded, bytes(out[:n])), code(samples, 16), (before, blocks))


def test_full_scale_jumps():
    for bits in (1, 8, 9, 16):
        most = (1 << bits) - 1
        check([0, most] * BLOCK, bits)
        check([most, 0] * BLOCK, bits)
        check([most // 2, most, most // 2, 0] * BLOCK, bits)
        check([0] * BLOCK + [most] * BLOCK + [0] * BLOCK, bits)


def test_with_little_room_as_many_blocks_as_fit():
    noise = Noise()
    samples = [noise.below(50) for _ in range(8 * BLOCK)]
    sizes = [octets(samples[: BLOCK * n], 16) for n in range(1, 9)]
    for room in range(40, sizes[-1] + 2):
        coded, data = code(samples, 16, room)
        fit = sum(size <= room for size in sizes)
        equal((coded, len(data)), (BLOCK * fit, sizes[fit - 1]), room)
        equal(decoded(data, coded, 16), samples[:coded], room)


def test_a_block_always_fits():
    """42 octets hold the longest block, and two are left unused."""
    noise = Noise()
    samples = [noise.below(1 << 16) for _ in range(BLOCK)]
    coded, data = code(samples, 16, 40)
    equal((coded, len(data), decoded(data, BLOCK, 16)), (BLOCK, 33, samples))


def test_missing_samples_or_room_raise_an_error():
    source, out = array("H", [1] * 2048), bytearray(42)
    for first, count in ((0, 0), (0, 15), (0, 17), (0, 1040), (-1, 16), (-16, 16), (2033, 16), (1025, 1024), (0, -16)):
        raises(ValueError, encode, source, first, count, 16, out)
    raises(ValueError, encode, source, 0, 16, 16, bytearray(41))
    for first, count in ((0, 16), (0, 1024), (1024, 1024), (2032, 16)):
        equal(encode(source, first, count, 16, out)[0], count, first)
