"""A real Yamcs server in a folder, and an instrument connected to it."""

import contextlib
import json
import socket
import threading
import time
import urllib.request
from collections import Counter

import pytest
from dorn.dictionary import Dictionary
from dorn.ground import yamcs
from dorn.ground.bridge import Bridge
from dorn.ground.yamcs.client import SOURCE
from dorn.ground.yamcs.correlation import Correlation
from dorn.head import sources
from dorn.head.front_end import FrontEnd, Head
from dorn.targets import open_target

pytest.importorskip("fprime_yamcs_bundle", reason="Yamcs is not installed: pip install '.[yamcs]'")
from requests.adapters import HTTPAdapter
from urllib3.util import Retry
from yamcs.client import YamcsClient

HERE = "127.0.0.1"
DICTIONARY = Dictionary.load()
LIMIT_S = 240  # wall time, on a busy machine; shorter than faulthandler_timeout, which may end the interpreter


class Yamcs:
    """A context manager."""

    def __init__(self, folder):
        with socket.create_server((HERE, 0)) as free:
            port = free.getsockname()[1]
        self.link = yamcs.link(DICTIONARY)
        yamcs.prepare(folder, port, self.link, DICTIONARY)
        self.server = yamcs.Server(folder, port)
        self.url = self.server.url
        self.client = YamcsClient(f"{HERE}:{port}")
        session = self.client.ctx.session
        session.trust_env = False
        # Yamcs 5.12.8 may answer with status 500 while a packet of a new type arrives:
        # findings/yamcs-packets-while-a-new-name-arrives.sh
        again = Retry(6, backoff_factor=0.1, status_forcelist=[500], allowed_methods=["GET"], raise_on_status=False)
        session.mount(self.url, HTTPAdapter(max_retries=again))
        self.archive = self.client.get_archive(yamcs.INSTANCE)
        self.processor = self.client.get_processor(yamcs.INSTANCE, "realtime")

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.client.close()
        self.server.close()

    def outlet(self, clock=time.time):
        return yamcs.outlet(self.server, self.link, DICTIONARY, Correlation(clock))

    def packets(self):
        """Container -> number of packets in the archive."""
        return Counter(packet.name.removeprefix("/DORN/") for packet in self.archive.list_packets())

    def until(self, condition):
        end_s = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < end_s, f"not within {LIMIT_S} s: {self.packets()}, {self.warnings()}"
            time.sleep(0.1)

    def events(self, source=SOURCE):
        """Events of the instrument, oldest first."""
        found = [event for event in self.archive.list_events() if event.source == source]
        return sorted(found, key=lambda event: (event.generation_time, event.sequence_number))

    def warnings(self):
        """Events of Yamcs itself above INFO."""
        events = self.archive.list_events()
        return [f"{e.source}: {e.message}" for e in events if e.severity != "INFO" and e.source != SOURCE]

    def call(self, path, body=None):
        """A request to the API, answered as JSON."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/api/{path}", data), timeout=10) as answer:
            return json.load(answer)

    def run_stack(self, name):
        """Let the server run a stack. Returns its final status and its log."""
        arguments = {"processor": "realtime", "bucket": "stacks", "stack": f"{name}.ycs"}
        path = f"activities/{yamcs.INSTANCE}/activities"
        activity = self.call(path, {"type": "COMMAND_STACK", "args": arguments})["id"]
        end_s = time.monotonic() + LIMIT_S
        while (status := self.call(f"{path}/{activity}")["status"]) == "RUNNING" and time.monotonic() < end_s:
            time.sleep(0.1)
        return status, [line["message"] for line in self.call(f"{path}/{activity}/log").get("logs", [])]


class Sent:
    """An outlet of the bridge that keeps the packets."""

    dropped = Counter()  # noqa: RUF012

    def __init__(self):
        self.packets = []

    def put(self, packet):
        self.packets.append(packet)

    def take(self):
        return ()

    def sockets(self):
        return []

    def close(self):
        pass

    def names(self):
        return Counter(DICTIONARY.decode(packet).name for packet in self.packets)


class Live:
    """A bridge between an acquiring instrument and a server, in a thread. do(f): call f between two of its steps.

    speed: relative to real time; may be changed.
    """

    def __init__(self, control, target, speed, acquires=True):
        began_s = time.time() - target.now_us / 1e6
        self.sent = Sent()
        self.outlet = control.outlet(lambda: began_s + target.now_us / 1e6)
        self.bridge = Bridge(target, [self.outlet, self.sent])
        if acquires:
            yamcs.begin(self.bridge, DICTIONARY)
        self.speed = speed
        self._calls, self._ended = [], threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def _serve(self):
        while not self._ended.is_set():
            speed = self.speed
            self.bridge.serve(lambda: self._stopped() or self.speed != speed, speed)  # noqa: B023  `serve` returns before `speed` changes

    def _stopped(self):
        while self._calls:
            call, done = self._calls.pop(0)
            call()
            done.set()
        return self._ended.is_set()

    def do(self, call):
        done = threading.Event()
        self._calls.append((call, done))
        assert done.wait(LIMIT_S)

    def __enter__(self):
        self._thread.start()
        return self

    def stop(self):
        self._ended.set()
        self._thread.join(LIMIT_S)

    def __exit__(self, *exc_info):
        self.stop()
        self.bridge.close()


@contextlib.contextmanager
def instrument(seed=1, flash=None):
    """A simulated instrument that detects the demo's source."""
    source = sources.load(sources.DEMO)
    head = Head(FrontEnd.from_table(source.head, DICTIONARY.instrument, "demo"), seed)
    with open_target("unix", head, flash=flash) as target:
        target.inject(sources.endless(source))
        yield target
