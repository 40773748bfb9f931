# Encodes samples: see test_compression.py.
from array import array
from fsw.link.compression import encode


def code(samples, bits, room):
    out = bytearray(b"\xa5" * (room + 4))
    view = memoryview(out)
    coded, octets = encode(samples, 0, len(samples), bits, view[: room + 2])
    assert bytes(out[room + 2 :]) == b"\xa5\xa5"
    return coded, bytes(out[:octets])


def refused(*values):
    try:
        encode(*values)
    except ValueError:
        return True


def answer(line):
    return repr(eval(line))
