"""The report: its content, its size, and that it needs no other file."""

import json
import re
from html.parser import HTMLParser

import pytest
from dorn import cli
from dorn.dictionary import Dictionary
from dorn.link.archive import Archive
from dorn.products import accounts, phases
from dorn.products.exchange import Exchange
from dorn.products.products import Products
from support.exported import archive, event
from support.products import ORIGIN, packet, spectrum

SECTIONS = ["Timeline", "Rates", "Spectra by phase", "Nuclides", "Account of particles", "Account of packets"]
SECTIONS += ["Repeated requests", "Anomalies", "Housekeeping"]


PLANE = """kind = "plane"
area_cm2 = 6.0
area_error_cm2 = 0.1
half_angle_deg = 60
half_angle_error_deg = 1
"""


class Page(HTMLParser):
    """Headings, text and loaded resources of a page; checks that its tags are correctly nested."""

    def __init__(self, text: str):
        super().__init__()
        self.headings, self.text, self.loaded, self._open = [], "", [], []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.loaded += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        if self._open[-1] in ("p", "li") and tag != self._open[-1]:  # their end tags may be omitted
            self._open.pop()
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] == "h2":
            self.headings.append(data)
        self.text += data + "\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A recording of the whole instrument on the unix target, shared with a test of `dorn run`."""
    out = tmp_path_factory.mktemp("report") / "run"
    assert cli.main(["demo", "--target", "unix", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def page(run):
    out = run.parent / "report.html"
    assert cli.main(["report", str(run), "--lines", "Po-209,Po-210,Po-214", "--out", str(out)]) == 0
    return out


def test_the_report_has_all_sections_in_one_file(page):
    found = Page(page.read_text())
    assert found.headings == SECTIONS
    assert found.loaded and all(source.startswith("data:image/") for source in found.loaded)
    assert page.stat().st_size < 1e6
    assert "Complete: every stored packet" in found.text and "UTC unknown" in found.text


def test_the_report_accounts_for_all_pulses(page, run):
    text = Page(page.read_text()).text.replace("\u202f", "")
    summary = json.loads((run / "summary.json").read_text())
    for what in ("recorded", "lost_dead_time"):
        assert f"\n{summary[what]}\n" in text
    assert f"all pulses of the simulated detectors\n{summary['injected']}\n" in text
    lost = "not accounted for, such as between the last counters and a reset"
    assert f"{lost}\n0\n" in text


def test_the_report_has_rates_of_nuclides(page):
    text = Page(page.read_text()).text
    (rate,) = re.search(r"Po-210\n.*\n.*\n.*\n(.*)\n", text).groups()  # into the back detectors, of all four columns
    value, error = map(float, rate.split(" +- "))
    assert abs(value - 20) < 5 * error  # as in the demo scenario


def test_the_report_has_activities_with_a_geometry(run, tmp_path):
    (tmp_path / "plane.toml").write_text(PLANE)
    out = tmp_path / "report.html"
    options = ["--lines", "Po-209,Po-210,Po-214", "--geometry", str(tmp_path / "plane.toml"), "--out", str(out)]
    assert cli.main(["report", str(run), *options]) == 0
    text = Page(out.read_text()).text
    assert text.count("Bq/cm2") == 2 and "Efficiency: " in text


def test_the_report_is_not_replaced_and_wrong_options_are_refused(run, page, tmp_path, capsys):
    before = page.read_bytes()
    for options, what in (
        (["--out", page], "exists; give another --out, or --force"),
        (["--lines", "Po-999", "--out", tmp_path / "a.html"], "Po-999"),
        (["--geometry", "absent.toml", "--out", tmp_path / "a.html"], "absent.toml: file: cannot be read"),
        (["--out", tmp_path / "absent" / ".." / ".." / "x" / "a.html", "--epoch", "x"], "--epoch: UTC: not a time"),
    ):
        assert cli.main(["report", str(run), *map(str, options)]) == 2
        error = capsys.readouterr().err
        assert what in error and error.count("\n") == 1
    assert page.read_bytes() == before and not (tmp_path / "a.html").exists()
    assert cli.main(["report", str(run), "--lines", "Po-209,Po-210,Po-214", "--force", "--out", str(page)]) == 0
    changed = [a for a, b in zip(before.split(b"\n"), page.read_bytes().split(b"\n"), strict=True) if a != b]
    assert all(b"Made by" in line for line in changed)  # the same archive gives the same report


def test_an_archive_with_spectra_only_has_a_report(tmp_path):
    path = archive(tmp_path / "run")
    assert cli.main(["report", str(path), "--out", str(tmp_path / "r.html")]) == 0
    found = Page((tmp_path / "r.html").read_text())
    assert found.headings == [name for name in SECTIONS if name != "Rates"]
    assert "Not analysed" in found.text or "do not use these values" in found.text


def test_storms_are_shown_and_not_analysed(tmp_path):
    counts = [1] * 256
    sent = [
        packet("housekeeping", 10, mode=3, storm=1),
        event("storm_begin", 11, a=100),
        spectrum(0, counts, start_us=12_000_000, real_us=9_000_000, time_s=22),
        event("storm_end", 30, a=1, b=19),
    ]
    path = tmp_path / "some.ccsds"
    path.write_bytes(b"".join(one.octets for one in sent))
    assert cli.main(["report", str(path), "--out", str(tmp_path / "r.html")]) == 0
    text = Page((tmp_path / "r.html").read_text()).text
    assert "Not analysed: all of it is in storm mode." in text and "storm begin" in text


def exchange(tmp_path, *packets):
    path = tmp_path / "some.ccsds"
    path.write_bytes(b"".join(one.octets for one in packets))
    opened = Archive(Dictionary.load(), path)
    return Exchange(Products(opened), phases.phases(opened), None)


def health(record, time_s=10.0, **more):
    return packet("housekeeping", time_s, record=record, **more)


def test_numbers_that_a_retrieval_shows_not_to_exist_are_not_missing(tmp_path):
    sent = [health(n) for n in (1, 2, 3, 100, 101, 120)]
    counts = spectrum(0, [1])
    found = exchange(tmp_path, *sent, counts)
    assert accounts.missing_records(found) == 96 + 18
    answered = packet("retrieval_end", 20, first=4, last=99, count=0)
    unanswered = packet("retrieval_end", 21, first=102, last=119, count=1)
    found = exchange(tmp_path, *sent, counts, answered, unanswered)
    assert accounts.missing_records(found) == 18
    assert accounts.requests(found) == [(ORIGIN, 20.0, 4, 99, 0), (ORIGIN, 21.0, 102, 119, 1)]
    assert accounts.packets(found)[-1].rows == [(str(ORIGIN), 1, 120, 6, 18)]
    assert any("18 stored packets" in text for text in accounts.verdict(found))


def test_repeated_packets_are_counted(tmp_path):
    one = health(1)
    found = exchange(tmp_path, one, spectrum(0, [1]), one, one)
    assert ("received more than once, counted once", 2) in accounts.packets(found)[1].rows


def test_anomalies_are_those_of_low_severity_and_above(tmp_path):
    found = exchange(
        tmp_path,
        spectrum(0, [1]),
        event("booted", 5, a=7, b=1),
        event("mode_changed", 6, a=2, b=3),
        event("ring_overrun", 7, a=10, b=1),
        event("ring_overrun", 8, a=20, b=2),
        event("bias_tripped", 9, a=1, b=2),
        packet("monitor_transition", 9, monitor=0, after=3),
        packet("monitor_transition", 10, monitor=0, after=1),
    )
    rows = accounts.anomalies(accounts.reports(found)).rows
    assert [row[:3] for row in rows] == [("high", "bias tripped", 1), ("low", "ring overrun", 2), ("info", "booted", 1)]
    assert "20" in rows[1][3]
    monitor = Dictionary.load().texts["monitor"][0]
    assert accounts.limits(found).rows == [(monitor, "above", 1)]


def test_a_browser_shows_all_pictures(browser, page, tmp_path):
    if browser is None:
        pytest.skip("needs playwright, and Chromium on PATH")
    with browser.new_page(offline=True) as tab:
        tab.goto(page.as_uri())
        widths = tab.eval_on_selector_all("img", "images => images.map(one => one.complete ? one.naturalWidth : 0)")
        assert len(widths) == 4 and all(width > 500 for width in widths)
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        tab.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    assert (tmp_path / "report.pdf").stat().st_size > 50_000
