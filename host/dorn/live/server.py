"""Serves the page on one address; all JavaScript is Bokeh's and served from here."""

from __future__ import annotations

import asyncio
import errno
import hmac
import io
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.server.server import Server
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.web import HTTPError, RequestHandler

from dorn.errors import UserError
from dorn.live.player import Player
from dorn.live.shared import Shared
from dorn.live.side import DOWNLOADS
from dorn.live.view import View
from dorn.products.files import table
from dorn.products.scaled import SIDES, summed
from dorn.products.tables import rates_rows, spectra_rows

logging.getLogger("bokeh.server.views.ws").setLevel(logging.ERROR)  # a browser that disconnects is not worth a warning

HERE = "127.0.0.1"
_STEP_MS = 200  # between checks of the archive
_EVERYWHERE = ("0.0.0.0", "::", "")


class PageServer:
    """A context: the page is served in a thread of its own, which does everything except the exchange with the
    instrument.

    url: URL of the page, with the token if there is one. shared: state shared by all browsers.
    """

    def __init__(self, shared: Shared, host: str = HERE, port: int = 0, token: str = ""):
        """port: 0 for any free port. token: telecommands are offered only to browsers that present it. Raises UserError
        if the port cannot be used."""
        self.shared, self._host, self._port, self._token = shared, host, port, token
        self.url = ""
        self._ready = threading.Event()
        self._error: Exception | None = None
        self._loop: IOLoop | None = None
        self._playing: PeriodicCallback | None = None
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)

    def __enter__(self) -> PageServer:
        self._thread.start()
        self._ready.wait()
        if self._error:
            raise self._error
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._loop:
            self._loop.add_callback(self._loop.stop)
        self._thread.join()

    @property
    def player(self) -> Player:
        return self.shared.player

    def play(self) -> None:
        """Begin to play. Before that, another thread may read the archive, which takes seconds if it is long, while
        browsers load the page."""
        if self._loop and self._playing:
            self._loop.add_callback(self._playing.start)

    def _run(self) -> None:
        asyncio.set_event_loop(asyncio.new_event_loop())
        loop = IOLoop.current()
        try:
            server = self._server(loop)
        except Exception as error:
            self._error = error
            self._ready.set()
            return
        self._loop = loop
        host = HERE if self._host in _EVERYWHERE else self._host
        self.url = f"http://{host}:{server.port}/" + (f"?token={self._token}" if self._token else "")
        self._playing = PeriodicCallback(self.shared.player.step, _STEP_MS)
        server.start()
        self._ready.set()
        loop.start()
        self._playing.stop()
        server.stop()
        loop.close(all_fds=True)  # browsers notice that the server has stopped
        self.shared.player.close()

    def _server(self, loop: IOLoop) -> Server:
        pattern = r"/download/(.*)", _Download, {"shared": self.shared}
        names = ("*",) if self._host in _EVERYWHERE else (self._host, HERE, "localhost")
        try:
            port = self._port or _free_port(self._host)
            return Server(
                {"/": Application(FunctionHandler(self._page))},
                io_loop=loop,
                address=self._host,
                port=port,
                extra_patterns=[pattern],
                allow_websocket_origin=[f"{name}:{port}" for name in names],
                keep_alive_milliseconds=10_000,
            )
        except OSError as error:
            what = "in use" if error.errno == errno.EADDRINUSE else f"cannot be opened: {error.strerror}"
            raise UserError.at("--port", "N", what, f"{self._host}:{self._port}") from None

    def _page(self, document) -> None:
        request = document.session_context.request if document.session_context else None
        given = request.arguments.get("token", [b""])[0] if request else b""
        View(document, self.shared, bool(self._token) and hmac.compare_digest(given, self._token.encode()))


def _free_port(host: str) -> int:
    """Bokeh must know the port number before it opens the port."""
    with socket.create_server((host, 0)) as found:
        return found.getsockname()[1]


class _Download(RequestHandler):
    """Files with what has been received."""

    def initialize(self, shared: Shared) -> None:
        self.shared = shared

    async def get(self, name: str) -> None:
        if name not in DOWNLOADS:
            raise HTTPError(404)
        make = content(name, self.shared)
        self.set_header("Content-Type", "image/png" if name.endswith(".png") else "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.finish(await asyncio.get_running_loop().run_in_executor(None, make))


def content(name: str, shared: Shared) -> Callable[[], bytes]:
    """Function that makes one of DOWNLOADS, from the data at the time of this call."""
    measurement, calibration = shared.player.measurement, shared.calibration
    instrument = measurement.dictionary.instrument
    if name == "spectrum.png":
        from dorn.products.plot import spectrum_png  # with matplotlib, which is slow to import

        spectra = measurement.spectra()
        sides = {side: summed(spectra, of, calibration, instrument) for side, of in SIDES.items()}
        about: dict[str, Any] = {"target": shared.title, "incomplete_spectra": 0, "run": {"lines": list(shared.lines)}}
        totals = measurement.history.rates().totals() if measurement.history.n else None
        return lambda: spectrum_png(sides, about, totals)
    if name == "rates.csv":
        rows = list(rates_rows([measurement.history.rates(measurement.origin)]))
    else:
        rows = list(spectra_rows(measurement.named_spectra(), instrument, calibration, name == "coincidences.csv"))
    return lambda: _csv(rows)


def _csv(rows: list) -> bytes:
    file = io.BytesIO()
    table(rows)(file)
    return file.getvalue()
