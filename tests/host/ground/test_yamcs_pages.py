"""The web pages of Yamcs in a real browser, with an acquiring instrument."""

import pytest
from support.browser import needs_chromium, watch
from support.yamcs import Live, Yamcs, instrument

pytestmark = needs_chromium
QUERY = "c=dorn__realtime"
PAGES = {
    "events": f"events?{QUERY}",
    "health": f"telemetry/displays/files/health.opi?{QUERY}",
    "rates": f"telemetry/displays/files/rates.opi?{QUERY}",
    "spectra": f"telemetry/displays/files/spectra.opi?{QUERY}",
    "spectra-log": f"telemetry/displays/files/spectra-log.opi?{QUERY}",
    "packets": f"telemetry/packets?{QUERY}",
    "send": f"commanding/send?{QUERY}",
    "telecommand": f"commanding/send/DORN/set_parameter_threshold?{QUERY}",
    "history": f"commanding/history?{QUERY}",
    "stacks": f"procedures/stacks/browse?{QUERY}",
    "stack": f"procedures/stacks/files/commissioning.ycs?{QUERY}",
    "links": f"links?{QUERY}",
}
SPEED = 30


@pytest.fixture(scope="module")
def control(tmp_path_factory):
    with (
        Yamcs(tmp_path_factory.mktemp("yamcs")) as control,
        instrument() as target,
        Live(control, target, SPEED) as live,
    ):
        control.until(lambda: target.now_us > 150e6)  # two integrations
        live.speed = 1.0  # on a busy machine, a page would not keep up with more
        yield control


@pytest.fixture
def page(browser):
    with browser.new_page(viewport={"width": 1280, "height": 1000}) as page:
        watch(page)
        yield page


@pytest.mark.parametrize("name", PAGES)
def test_no_page_reports_an_error(name, control, page):
    page.goto(f"{control.url}/{PAGES[name]}", wait_until="networkidle", timeout=30_000)
    page.wait_for_timeout(500)  # errors may follow the requests
    assert page.errors == []
    assert page.locator("app-message-bar, .mat-mdc-snack-bar-label").all_inner_texts() in ([], [""])


def test_the_events_page_lists_the_event_reports(control, page):
    page.goto(f"{control.url}/{PAGES['events']}", wait_until="networkidle")
    page.get_by_text("acquisition_started").first.wait_for(timeout=10_000)
    page.get_by_text("mode_changed: ").first.wait_for(timeout=10_000)


def test_a_stack_runs_in_the_page(control, page):
    page.goto(f"{control.url}/procedures/stacks/files/link_check.ycs?{QUERY}", wait_until="networkidle")
    page.locator("button", has_text="playlist_play").click()  # run from the selected step, which is the first
    control.until(lambda: completed(control, "report_storage"))
    assert page.errors == []


def completed(control, name):
    """Whether the latest telecommand of this name has been completed."""
    found = [command for command in control.archive.list_command_history() if command.name == f"/DORN/{name}"]
    return bool(found) and found[-1].is_complete()
