"""The firmware's services (fsw/pus) under MicroPython, with test doubles of the components they command."""

from cobs import cobs
from dorn.dictionary import Dictionary

from support.micropython import Child
from support.onboard import script

SCRIPT = script("services")

SUCCESS = ["acceptance_success", "start_success", "completion_success"]
dictionary = Dictionary.load()


class Bench:
    """A fresh set of services, and the packets it sends in reply."""

    def __init__(self, child):
        self.child = child
        child.ask("new()")

    def get(self, expression: str):
        return eval(self.child.ask(expression))

    def frames(self, call: str):
        return [dictionary.decode(cobs.decode(bytes.fromhex(frame)[1:-1])[:-4]) for frame in self.get(call)]

    def send(self, packet: bytes):
        return self.frames(f"handle({packet!r})")

    def later(self):
        """Advance 10 s, so that a parameter is written to flash immediately."""
        self.child.ask("setattr(Clock, 'now_us', Clock.now_us + 10_000_000)")

    def command(self, name: str, ack: int = 0b1111, **fields):
        return self.send(dictionary.encode(name, 77, ack=ack, check=False, **fields))


def open_services():
    return Child(SCRIPT, heap_kb=640)


def names(packets):
    return [packet.name for packet in packets]
