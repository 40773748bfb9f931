# Encodes and decodes frames: see test_frame.py.
from fsw.link.frame import Deframer, encode, size, _stuff, _unstuff

out = bytearray(2000)


def stuff(data):
    return bytes(out[: _stuff(data, len(data), out)]).hex()


def unstuff(data):
    buf = bytearray(data)
    n = _unstuff(buf, len(buf))
    return "bad" if n < 0 else bytes(buf[:n]).hex()


def frame(data):
    n = encode(bytearray(data + b"    "), len(data), out)
    assert n <= size(len(data)), (n, len(data))
    return bytes(out[:n]).hex()


def deframe(*pieces):
    deframer = Deframer(600)
    packets = []
    for piece in pieces:
        for packet in deframer.feed(piece):
            packets.append(bytes(packet).hex())
    return " ".join(packets) + "|%d" % deframer.bad


def answer(line):
    name, *data = line.split(" ")
    return globals()[name](*[bytes.fromhex(piece) for piece in data])
