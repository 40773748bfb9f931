"""A ground system, and a bridge between it and an instrument."""

import contextlib
import socket
import threading
import time

from dorn.dictionary import Dictionary
from dorn.ground.bridge import Bridge, telecommand_header
from dorn.ground.outlets import CLIENTS, Tcp, Udp
from spacepackets.ecss.tc import PusTc

DICTIONARY = Dictionary.load()
HERE = ("127.0.0.1", 0)
APID = DICTIONARY.mission["apid"]
_LIMIT_S = 60.0  # timeout, wall time: for the end of a thread, or for any activity


def telecommand(sequence, service=17, subtype=1, data=b""):
    """A telecommand built by spacepackets."""
    tc = PusTc(service=service, message_subtype=subtype, apid=APID, app_data=data, seq_count=sequence, ack_flags=0b1001)
    return bytes(tc.pack())


def tcp_server(at=HERE, clients=CLIENTS, clock=time.monotonic):
    return Tcp(at, telecommand_header(DICTIONARY), DICTIONARY.mission["max_packet"], clients, clock)


class Ground:
    """A ground system on UDP, and a bridge between it and an instrument."""

    def __init__(self, target, key=None, clock=time.monotonic):
        self.received, self.packets = [], []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(HERE)
        self._socket.setblocking(False)
        udp = Udp(self._socket.getsockname(), HERE)
        self.tcp = tcp_server(clock=clock)
        self.bridge = Bridge(target, [udp, self.tcp], key, self.received.append, clock=clock)
        self._to = udp.address

    def send(self, packet):
        self._socket.sendto(packet, self._to)

    def until(self, condition, limit_s=20):
        """Run the bridge until the condition on the packets received meanwhile holds; return them. limit_s: target
        time."""
        packets = []
        for _ in range(int(limit_s / 0.05)):
            self.bridge.step()
            packets += self._arrived()
            if condition(packets):
                self.packets += packets
                return packets
            self.bridge.target.advance(0.05)
        raise AssertionError(f"not within {limit_s} s: {[packet.name for packet in packets]}")

    def _arrived(self):
        packets = []
        with contextlib.suppress(BlockingIOError):
            while True:
                packets.append(DICTIONARY.decode(self._socket.recv(65535)))
        return packets

    def serve(self, condition):
        """Let the bridge serve until the condition holds."""
        end_s = time.monotonic() + _LIMIT_S

        def stopped():
            assert time.monotonic() < end_s, self.received
            return condition()

        self.bridge.serve(stopped)

    def verified(self, sequence):
        def ended(packets):
            return any(
                p.fields.get("request_sequence") == 0xC000 | sequence
                and (p.name == "completion_success" or p.name.endswith("_failure"))
                for p in packets
            )

        return [p for p in self.until(ended) if p.fields.get("request_sequence") == 0xC000 | sequence][-1]

    def close(self):
        self._socket.close()
        self.bridge.close()


@contextlib.contextmanager
def serving(target, tcp, speed=1.0, key=None):
    """A bridge that serves `tcp` in its own thread."""
    bridge, ended = Bridge(target, [tcp], key, say=lambda text: None), threading.Event()
    thread = threading.Thread(target=bridge.serve, args=(ended.is_set, speed))
    thread.start()
    try:
        yield bridge
    finally:
        ended.set()
        thread.join(_LIMIT_S)
        bridge.close()
