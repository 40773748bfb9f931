"""Two instruments on one hub, each with a bridge, a run and a shell, while someone unplugs, swaps and resets them.

Every program is a process of its own, as in a laboratory. At the end, each archive has packets of its own instrument
only, every telecommand of a shell has been verified or its failure reported, and no program has shown a traceback.
"""

import os
import random
import re
import socket
import subprocess
import sys
import threading
import time

import pytest
from bench import missing
from dorn.dictionary import Dictionary
from dorn.link.archive import Archive
from dorn.targets import NAMES
from support.boards import Board

LONG_S, SHORT_S = {"unix": 1200, "rp2040": 600}, 60
FAULT_S = 10  # mean interval of faults
SPEED = 5.0  # speed of the instruments, relative to real time
IDS = {"a": 0xA, "b": 0xB}
WAITING = 5  # maximum number of unanswered pings
START_S = 60  # limit for the start of a program


class Place:
    """A port of the hub with the programs that use it."""

    def __init__(self, name, folder):
        self.name, self.path, self.out = name, folder / name, folder / f"out-{name}"
        self.errors, self.said, self.pings = [], [], 0
        self._processes = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.tcp = free.getsockname()[1]
        self.url = f"bridge://127.0.0.1:{self.tcp}"

    def open(self):
        udp = f"--tm 127.0.0.1:{self.tcp + 1} --tc 127.0.0.1:0"
        bridge = f"bridge --target {self.path} --tcp 127.0.0.1:{self.tcp} {udp}"
        self.bridge = self._start(bridge.split())
        self._wait(self._is_bridged, self.bridge)
        self.shell = self._start(["shell", "--target", self.url], stdin=subprocess.PIPE)
        self._type("set_parameter parameter=reset_window value=10")  # else the resets lead to mode safe
        self.run = self._start(
            ["run", "-", "--target", self.url, "--duration", "1e6", "--on-reset", "restart", "--out", str(self.out)]
        )
        # a run that loses the instrument before it has started the acquisition ends
        self._wait(lambda: any("acquisition_started" in line for line in list(self.said)), self.shell, self.run)

    def _wait(self, condition, *processes):
        end_s = time.monotonic() + START_S
        while not condition():
            assert time.monotonic() < end_s and all(p.poll() is None for p in processes), (self.said, self.errors)
            time.sleep(0.1)

    def _is_bridged(self):
        try:
            socket.create_connection(("127.0.0.1", self.tcp), 1).close()
            return True
        except OSError:
            return False

    def _start(self, arguments, **pipes):
        process = subprocess.Popen(
            [sys.executable, "-m", "dorn.cli", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            **pipes,
        )
        self._processes.append(process)
        for stream, lines in ((process.stdout, self.said), (process.stderr, self.errors)):
            threading.Thread(target=self._read, args=(stream, lines), daemon=True).start()
        return process

    def _read(self, stream, lines):
        for line in stream:
            lines.append(line.rstrip())

    def ping(self):
        """Request another ping, unless many are unanswered: the shell waits for an instrument that is unplugged."""
        assert self.shell.poll() is None, self.errors
        pongs, failed = self.answers()
        if self.pings - pongs - failed < WAITING:
            self.pings += 1
            self._type("ping")

    def answers(self):
        """Number of pings answered, and number of pings that failed."""
        pongs = sum(bool(re.search(r" s  pong\b", line)) for line in list(self.said))
        return pongs, sum(line.startswith("dorn: line ") for line in list(self.errors))

    def _type(self, line):
        self.shell.stdin.write(f"{line}\n")
        self.shell.stdin.flush()

    def close(self):
        """End the programs as a shutdown would."""
        self.shell.stdin.close()
        self.shell.wait(120)
        for process in (self.run, self.bridge):
            if process.poll() is None:
                process.terminate()
            process.wait(120)

    def kill(self):
        """End programs that a failure has left running, which would occupy the port of a later test."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.wait()


class Hub:
    def __init__(self, places, seed, where):
        self.places = places
        self.boards = {name: Board(IDS[name], SPEED, where) for name in places}
        self.rng = random.Random(seed)
        self.faults = dict.fromkeys(("unplug", "swap", "reset", "half", "silent"), 0)
        for name in places:
            self.plug(name, name)

    def plug(self, board, place):
        self.boards[board].plug(self.places[place].path)

    def disturb(self):
        fault = self.rng.choice(list(self.faults))
        self.faults[fault] += 1
        getattr(self, fault)(self.rng.choice(list(self.places)))

    def unplug(self, name):
        self.boards[name].unplug()
        time.sleep(self.rng.uniform(0.1, 4))
        self.plug(name, name)

    def swap(self, _):
        """Connect each board to the other's port for a while."""
        for board in self.boards.values():
            board.unplug()
        for board, place in zip(self.boards, reversed(self.boards), strict=True):
            self.plug(board, place)
        time.sleep(self.rng.uniform(0.1, 4))
        for board in self.boards.values():
            board.unplug()
        for name in self.boards:
            self.plug(name, name)

    def reset(self, name):
        """Reset a board; its port disappears, as on USB."""
        self.boards[name].unplug()
        self.boards[name].do(lambda target: target.reset())
        self.plug(name, name)

    def half(self, name):
        """A client that sends half a telecommand and then dies."""
        with socket.create_connection(("127.0.0.1", self.places[name].tcp), 5) as client:
            client.sendall(Dictionary.load().encode("ping", 1)[:7])

    def silent(self, name):
        """A client that reads nothing, for as long as the test lasts."""
        if not hasattr(self, "_silent"):
            self._silent = socket.create_connection(("127.0.0.1", self.places[name].tcp), 5)

    def close(self):
        for board in self.boards.values():
            board.close()


@pytest.mark.parametrize("where", NAMES)
def test_two_instruments_on_a_hub(where, long, seed, tmp_path, totals, request):
    if where == "rp2040" and (not long or missing(where)):
        request.node.listed_skip = True
        pytest.skip(missing(where) or "with --long only: ten minutes")
    places = {name: Place(name, tmp_path) for name in IDS}
    hub = Hub(places, seed, where)
    try:
        for place in places.values():
            place.open()
        end_s = time.monotonic() + (LONG_S[where] if long else SHORT_S)
        while time.monotonic() < end_s:
            fault_s = time.monotonic() + hub.rng.uniform(0.5, 1.5) * (FAULT_S if long else FAULT_S / 2)
            while time.monotonic() < fault_s:
                for place in places.values():
                    place.ping()
                time.sleep(0.5)
            hub.disturb()
        for place in places.values():
            place.close()
    finally:
        hub.close()
        for place in places.values():
            place.kill()
    kept = 0
    for name, place in places.items():
        text = "\n".join(place.errors)
        assert "Traceback" not in text, text
        assert (place.run.returncode, place.bridge.returncode) == (130, 130), text  # they lasted until SIGTERM
        with Archive(Dictionary.load(), place.out / "telemetry.ccsds") as found:
            assert set(found.unique_ids.values()) == {IDS[name]}
            kept += len(found)
        pongs, failed = place.answers()
        assert pongs + failed >= place.pings and pongs > place.pings / 4, (pongs, failed, place.pings, text)
    pings = sum(place.pings for place in places.values())
    faults = ", ".join(f"{n} {what}" for what, n in hub.faults.items())
    totals(f"hub, {where}: {pings} telecommands, {kept} packets archived, faults: {faults}, seed {seed}")
