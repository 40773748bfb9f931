"""host/report.png: the report of a simulated mission, as a browser shows it.

    python tests/report_picture.py                  # needs Chromium on PATH, as the tests of web pages do
    python tests/report_picture.py --out FOLDER     # keeps the archive and the report

The mission is the shipped timeline `dorn` of `dorn lander`, 20 times faster, with the noise of real detectors.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from dorn import cli
from dorn.dictionary import Dictionary
from dorn.ground import lander
from dorn.head.front_end import FrontEnd, Head
from dorn.link import archive
from dorn.study.browser import chromium
from dorn.targets import open_target

PICTURE = Path(__file__).parents[1] / "host" / "report.png"
TIMES, NOISE_KEV = 20.0, 35.0
SIZE = (1000, 2290)  # of the window, pixels: down to the spectra


def fly(out: Path) -> Path:
    """Play the mission, and return its archive."""
    dictionary = Dictionary.load()
    with open_target("unix", Head(FrontEnd(noise_kev=NOISE_KEV), 1)) as target:
        played = lander.Lander(target, dictionary, times=TIMES)
        played.session.record(out / archive.NAME, force=True)
        try:
            if not played.run(lander.load("dorn", dictionary)):
                sys.exit(played.conformance.text())
        finally:
            played.session.close()
    return out / archive.NAME


def show(page: Path, picture: Path) -> None:
    """A picture of the upper part of a page."""
    browser = chromium() or sys.exit("no chromium on PATH")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--screenshot={picture}"]
    size = "--window-size={},{}".format(*SIZE)
    subprocess.run([browser, *options, size, page.resolve().as_uri()], check=True, capture_output=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", type=Path)
    with tempfile.TemporaryDirectory() as folder:
        out = options.parse_args().out or Path(folder)
        out.mkdir(parents=True, exist_ok=True)
        path = fly(out)
        page = out / "report.html"
        if cli.main(["report", str(path), "--force", "--epoch", "2000-01-01T00:00:00Z", "--out", str(page)]):
            sys.exit("no report")
        show(page, PICTURE)


if __name__ == "__main__":
    main()
