"""The live page in a real browser, with an instrument that is acquiring."""

import asyncio
import contextlib
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from dorn.analysis.calibration import Calibration
from dorn.analysis.region import region
from dorn.head import sources
from dorn.head.front_end import FrontEnd, Head
from dorn.link.archive import NAME
from dorn.live.instrument import LiveInstrument
from dorn.live.player import Player
from dorn.live.server import PageServer
from dorn.live.shared import Shared
from dorn.nuclides import main_kev
from dorn.products.files import table
from dorn.products.tables import spectra_rows
from dorn.session import Session
from dorn.study.browser import PLACE, mark
from dorn.targets import open_target
from support.browser import needs_chromium, watch  # before playwright, which may be missing
from support.products import DICTIONARY, decoded
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from playwright.sync_api import expect  # isort: skip

pytestmark = needs_chromium
TOKEN, RATE_CPS, SIZE = "a-token", 1000, {"width": 1280, "height": 800}
SOURCE = sources.load(sources.DEMO)
DEFAULT = Calibration.default(DICTIONARY.instrument)


class Desk:
    """An instrument, its archive and its page."""

    def __init__(self, folder, target):
        self.target = target
        self.path = folder / NAME
        self.session = Session(target)
        self.session.record(self.path)
        self.session.connect()
        self.instrument = LiveInstrument(self.session)
        self.instrument.begin()
        target.inject(SOURCE.particles(RATE_CPS, 600.0, 1, "poisson", False))
        self.served = self._serve(0)

    def _serve(self, port):
        player = Player(self.path, DICTIONARY)
        served = PageServer(
            Shared("test", player, DEFAULT, True, self.instrument, lines=SOURCE.lines), port=port, token=TOKEN
        )
        served.__enter__()
        served.play()
        return served

    def stop_server(self):
        self.served.__exit__(None, None, None)

    def restart_server(self):
        self.served = self._serve(int(self.served.url.split(":")[2].split("/")[0]))

    @property
    def url(self):
        return self.served.url.partition("?")[0]

    def decoded(self):
        return decoded(self.path.read_bytes())

    def counts(self, side):
        """Counts of front (0) or back (1) detectors in the archive."""
        found = self.decoded().all_spectra().items()
        return sum(one.counts for (name, _), one in found if name == ("front", "back")[side])


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    front_end = FrontEnd.from_table(SOURCE.head, DICTIONARY.instrument, "demo")
    with open_target("unix", Head(front_end, 1)) as target:
        desk = Desk(tmp_path_factory.mktemp("live"), target)
        with contextlib.closing(desk.session):
            desk.session.advance(60.0)
            yield desk
            desk.served.__exit__(None, None, None)


@pytest.fixture
def opened(browser):
    """opened(url) -> the page, once it has drawn something; `errors`: errors in its console."""
    with contextlib.ExitStack() as stack:

        def opened(url):
            page = stack.enter_context(browser.new_page(viewport=SIZE))
            watch(page)
            page.goto(url)
            page.get_by_text("counts/s").first.wait_for()
            return page

        yield opened


@pytest.fixture(scope="module")
def page(desk, browser):
    """A page shared by most tests."""
    with browser.new_page(viewport=SIZE) as page:
        watch(page)
        page.goto(desk.url)
        yield page


@pytest.fixture(autouse=True)
def without_errors(request):
    """No test may leave an error in the console of the shared page."""
    yield
    if "page" in request.fixturenames:
        assert request.getfixturevalue("page").errors == []


def cells(page, name):
    """The cells of a row of the table below the spectrum."""
    return page.locator("tr", has_text=name).first.locator("td").all_inner_texts()


def shows(page, name, counts):
    """Wait until the table has these counts."""
    row = page.locator("tr", has_text=name).first
    expect(row.locator("td").nth(1)).to_have_text(f"{counts:.10g}", timeout=60_000)


def test_the_page_shows_what_is_in_the_archive_while_it_grows(desk, page):
    before = desk.counts(0).sum()
    assert before > 20_000
    shows(page, "front detectors", before)
    shows(page, "back detectors", desk.counts(1).sum())
    desk.session.advance(20.0)
    assert desk.counts(0).sum() > before
    shows(page, "front detectors", desk.counts(0).sum())


def test_a_box_marks_a_region_whose_counts_are_those_of_the_analysis(desk, page):
    shows(page, "front detectors", desk.counts(0).sum())
    mark(page, 4.70, 5.05)
    page.get_by_text("net/s").first.wait_for()
    for side, name in enumerate(("front detectors", "back detectors")):
        _, _, live_s, _, _, channels, gross, net, rate = cells(page, name)
        first, last = map(int, channels.split(" to "))
        middles_kev = DEFAULT.energy_kev(4 * np.array([first, last]) + 1.5, 0)
        assert 4680 < middles_kev[0] < 4720 and 5030 < middles_kev[1] < 5070
        expected = region(desk.counts(side), first, last)
        assert gross == f"{expected.gross:.10g}"
        assert net == f"{expected.net:.2f} ± {expected.error:.2f}"
        assert [float(part) for part in rate.split(" ± ")] == pytest.approx(
            [expected.net / float(live_s), expected.error / float(live_s)], rel=1e-3
        )


def test_two_clicks_calibrate(desk, page):
    shows(page, "front detectors", desk.counts(0).sum())
    page.get_by_text("Calibrate", exact=True).click()
    page.get_by_text("Calibrate with two clicks").click()
    for text, nuclide in (("Click on the Po-209", "Po-209"), ("Now click on Po-214", "Po-214")):
        page.get_by_text(text).wait_for()
        page.wait_for_timeout(400)  # two clicks are not a double click
        page.mouse.click(*page.evaluate(PLACE, main_kev(nuclide) / 1000 + 0.02))
    page.get_by_text("8 detectors: in use, and saved in").wait_for(timeout=30_000)
    found = Calibration.load(desk.path.parent / "calibration.toml", DICTIONARY.instrument)
    assert found.kev_per_code[::2] == pytest.approx(np.full(8, 3.0), rel=2e-3)
    assert (found.covariance[::2, 0, 0] > 0).all() and not found.covariance[1::2].any()


@pytest.mark.parametrize("tab", ("Waterfall", "Detectors", "Reports", "Lines", "Download", "linear"))
def test_every_part_is_drawn_without_an_error_and_fits_the_window(tab, page):
    page.get_by_text(tab, exact=True).first.click()
    page.wait_for_timeout(600)  # errors may follow
    sizes = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert sizes[0] <= SIZE["width"] and sizes[1] <= SIZE["height"]


def test_browsers_show_different_spectra_of_one_instrument(desk, opened, page):
    other = opened(desk.url)
    other.locator(".choices__button").first.click()  # remove the front detectors
    expect(other.locator("tr", has_text="front detectors")).to_have_count(0)
    assert cells(page, "front detectors")[1] == f"{desk.counts(0).sum():.10g}"
    assert cells(other, "back detectors")[1] == f"{desk.counts(1).sum():.10g}"


def test_only_a_page_with_the_token_sends_telecommands(desk, opened, page):
    assert page.get_by_text("Commands", exact=True).count() == 0
    assert opened(f"{desk.url}?token=wrong").get_by_text("Commands", exact=True).count() == 0
    trusted = opened(desk.served.url)
    line = trusted.locator("input[placeholder^=set_parameter]")
    line.fill("ping")
    line.press("Tab")
    trusted.get_by_text("Send", exact=True).click()
    for _ in range(100):
        desk.instrument.serve(stopped=iter((False, True)).__next__)
        if desk.instrument.log():
            break
        trusted.wait_for_timeout(50)
    trusted.get_by_text("ping: done").wait_for()
    line.fill("nonsense")
    line.press("Tab")
    trusted.get_by_text("Send", exact=True).click()
    trusted.get_by_text("not sent: telecommand: unknown").wait_for()


def test_files_are_those_of_what_is_shown(desk, page):
    shows(page, "front detectors", desk.counts(0).sum())
    found = desk.decoded()
    expected = desk.path.parent / "expected.csv"
    shown = desk.served.player.measurement
    with expected.open("wb") as file:
        calibration = desk.served.shared.calibration
        table(spectra_rows(found.all_spectra(), DICTIONARY.instrument, calibration, False))(file)
    with urllib.request.urlopen(f"{desk.url}download/spectra.csv") as answer:
        assert answer.read() == expected.read_bytes()
    with urllib.request.urlopen(f"{desk.url}download/rates.csv") as answer:
        assert answer.read().count(b"\n") == shown.history.n + 1
    with urllib.request.urlopen(f"{desk.url}download/spectrum.png") as answer:
        assert answer.read().startswith(b"\x89PNG")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{desk.url}download/..%2F{NAME}")


def test_pages_of_others_cannot_connect(desk):
    async def connect():
        request = HTTPRequest(f"{desk.url}ws".replace("http", "ws"), headers={"Origin": "http://evil.example"})
        await websocket_connect(request, subprotocols=["bokeh", "token"])

    with ThreadPoolExecutor() as threads, pytest.raises(HTTPClientError, match="403"):
        threads.submit(asyncio.run, connect()).result()  # playwright has a loop in this thread


def test_a_page_survives_a_reload_and_restarts_of_instrument_and_server(desk, opened):
    page = opened(desk.url)
    page.reload()
    shows(page, "front detectors", desk.counts(0).sum())
    desk.target.power_cycle()
    desk.session.advance(5.0)
    desk.instrument.begin()
    desk.session.advance(15.0)
    shows(page, "front detectors", desk.counts(0).sum())
    assert page.errors == []
    page.evaluate("isOld = true")
    desk.stop_server()
    page.get_by_text("No connection to the server").wait_for()
    desk.session.advance(10.0)
    desk.restart_server()
    page.wait_for_function("!window.isOld")  # Bokeh's own reconnection sometimes never shows a spectrum again
    shows(page, "front detectors", desk.counts(0).sum())
