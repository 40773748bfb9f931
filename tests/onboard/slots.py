# Two copies on a file system that can be made to fail: see test_slots.py.
from doubles import Flash
from fsw.store.slots import Slots


def load(path):
    slots = Slots(path)
    slots.load()
    payload = slots.load()  # a second load recounts the bad copies
    return "%s %d" % ("none" if payload is None else payload.hex(), slots.bad)


def save(path, payload):
    try:
        Slots(path).save(bytes.fromhex(payload))
    except (OSError, ValueError) as error:
        return type(error).__name__ + " %d" % (error.errno if isinstance(error, OSError) else 0)
    return load(path)


flash = None


def fresh():
    global flash
    flash = Flash(8)
    return ""


def remount(readonly):
    flash.remount(readonly == "readonly")
    return ""


def fill():
    try:
        with open("/flash/filler", "wb") as f:
            while True:
                f.write(bytes(256))
    except OSError as error:
        output = error.errno
    n = 0
    try:  # then small files
        while True:
            with open("/flash/filler%d" % n, "wb") as f:
                f.write(bytes(100))
            n += 1
    except OSError as error:
        return "%d %d" % (output, error.errno)


def answer(line):
    name, *arguments = line.split(" ")
    return globals()[name](*arguments)
