"""Decoding of the 16-bit arrays coded in octets of a telemetry packet (icd.toml, `codes`, [about.coding]).

CCSDS 121.0-B-3, lossless data compression: blocks of 16 samples, basic set of code options, unit-delay predictor, one
reference sample (the first).
"""

import struct
from math import isqrt

BLOCK = 16  # samples
REST = 5  # coded in place of a number of zero blocks: all remaining blocks


def decode(coding: str, data: bytes, count: int) -> list[int]:
    """Decode `count` numbers from `data`; coding: `raw` or `ccsds121`. Raises ValueError naming the fault."""
    if coding == "ccsds121":
        return ccsds121(data, count)
    if len(data) != 2 * count:
        raise ValueError(f"{count} values of 16 bits do not fill {len(data)} octets")
    return list(struct.unpack(f">{count}H", data))


def ccsds121(data: bytes, count: int, bits: int = 16) -> list[int]:
    """Decode `count` samples, whole blocks of `bits` (1 to 16) each. Raises ValueError unless `data` fits exactly."""
    if count % BLOCK or not count:
        raise ValueError(f"{count} values: not a positive multiple of {BLOCK}")
    stream = _Bits(data)
    option_bits = 3 if bits <= 8 else 4
    samples: list[int] = []
    while len(samples) < count:
        option = stream.number(option_bits)
        of_zeros_or_pairs = option == 0 and stream.number(1)
        first = not samples
        if first:
            samples.append(stream.number(bits))
        if option == 2**option_bits - 1:  # not coded
            errors = [stream.number(bits) for _ in range(BLOCK - first)]
        elif option:  # split-sample: all high bits, then all low bits
            high = [stream.unary() for _ in range(BLOCK - first)]
            errors = [value << option - 1 | stream.number(option - 1) for value in high]
        elif of_zeros_or_pairs:  # second extension; the reference sample takes the first place of the first pair
            errors = [value for _ in range(BLOCK // 2) for value in _pair(stream.unary())][first:]
        else:
            blocks = stream.unary() + 1
            left = count - len(samples) + first
            blocks = left // BLOCK if blocks == REST else blocks - (blocks > REST)
            if blocks * BLOCK > left:
                raise ValueError(f"{blocks} blocks of zeros, {left // BLOCK} left")
            errors = [0] * (blocks * BLOCK - first)
        for error in errors:
            samples.append(_sample(samples[-1], error, 2**bits - 1))
    stream.end()
    return samples


def _pair(number: int) -> tuple[int, int]:
    """Split a number of the second extension into its two values: number = s (s + 1) / 2 + second, with s their sum."""
    total = (isqrt(8 * number + 1) - 1) // 2
    second = number - total * (total + 1) // 2
    return total - second, second


def _sample(last: int, error: int, most: int) -> int:
    """The sample after `last`, from its mapped prediction error; samples are 0 to `most`."""
    if error > most:
        raise ValueError(f"prediction error {error} is more than {most}")
    margin = min(last, most - last)  # up to here both signs are possible
    if error > 2 * margin:
        return error if last == margin else most - error
    return last - (error + 1) // 2 if error % 2 else last + error // 2


class _Bits:
    """Reads octets bit by bit. Raises ValueError beyond their end."""

    def __init__(self, data: bytes):
        self._text = f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}" if data else ""
        self._at = 0

    def number(self, bits: int) -> int:
        end = self._at + bits
        if end > len(self._text):
            raise ValueError(f"coded values extend beyond their {len(self._text) // 8} octets")
        value = int(self._text[self._at : end] or "0", 2)
        self._at = end
        return value

    def unary(self) -> int:
        """Count the zero bits before the next one bit."""
        one = self._text.find("1", self._at)
        if one < 0:
            raise ValueError(f"coded values extend beyond their {len(self._text) // 8} octets")
        zeros = one - self._at
        self._at = one + 1
        return zeros

    def end(self) -> None:
        """Check that only the zero bits that pad the last octet are left."""
        left = self._text[self._at :]
        if len(left) > 7 or "1" in left:
            raise ValueError(f"{len(left)} bits are left after the coded values")
