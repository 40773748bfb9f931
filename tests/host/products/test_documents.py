"""The examples in host/README.md give the stated results."""

import re
import textwrap
from pathlib import Path

import numpy as np
from dorn import nuclides
from dorn.cli import main
from dorn.head.sources import DEMO, load
from support.products import spectrum
from support.runs import run

README = Path(__file__).parents[3] / "host" / "README.md"


def example(word):
    """The indented block of the document in which this word occurs."""
    blocks = re.findall(r"(?:^    .*\n|^\n)+", README.read_text(), re.MULTILINE)
    (found,) = (textwrap.dedent(block) for block in blocks if word in block)
    return found


def test_ten_lines_plot_the_rate_of_po_214(tmp_path, monkeypatch):
    text = example("near_po_214")
    assert len([line for line in text.splitlines() if line.strip()]) <= 10
    channel = round((7687 + 145.5) / 12)
    counts = [0] * (channel - 500) + [30]
    one = [spectrum(d, counts, first=500, start_us=us) for d in range(16) for us in (0, 600_000_000)]
    (tmp_path / "telemetry.ccsds").write_bytes(b"".join(packet.octets for packet in one))
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(text, names)
    assert names["counts"].tolist() == [16 * 30, 16 * 30]
    assert (tmp_path / "po-214.png").stat().st_size > 5000


def test_the_pairs_of_rn_220_and_po_216_are_found_in_the_list(tmp_path, monkeypatch, capsys):
    """200 pairs, one every 2 s: the mean waiting time is the mean life of Po-216."""
    life_s = nuclides.half_life_s("Po-216") / np.log(2)
    waits_us = np.random.default_rng(3).exponential(life_s, 200) * 1e6 + 100
    rows = [
        (round(2e6 * n + later_us), n % 16, kev)
        for n, wait_us in enumerate(waits_us)
        for later_us, kev in ((0, 6288), (wait_us, 6778))
    ]
    text = "".join(f"{time_us},{d},{kev}\n" for time_us, d, kev in rows)
    (tmp_path / "pairs.csv").write_text("time_us,detector,energy_kev\n" + text)
    monkeypatch.chdir(tmp_path)
    assert run("pairs.csv", "--out", "dorn-demo") == 0
    capsys.readouterr()
    exec(example("radon_us"), {})
    found_us = [float(word) for word in re.findall(r"\b\d{3,}\b", capsys.readouterr().out)]
    assert np.allclose(sorted(found_us), sorted(waits_us[waits_us < 1e6]), atol=2)
    assert abs(np.mean(found_us) / 1e6 - life_s) < 5 * life_s / 200**0.5


def test_a_calibration_and_a_fit_of_the_demo_are_right(tmp_path, monkeypatch):
    assert run(DEMO, "--duration", 300, "--out", tmp_path) == 0
    monkeypatch.chdir(tmp_path)
    assert main(["calibrate", "telemetry.ccsds", "--lines", "Po-209", "--out", "calibration.toml"]) == 0
    names: dict = {}
    exec(example('calibration="calibration.toml"'), names)
    slices = names["slices"]
    assert np.allclose(slices.energy_kev[:, 410], 3 * (4 * 410 + 1.5 - 50), rtol=0.002)
    exec(example("LineModel("), names)
    result = names["result"]
    assert result.valid
    for nuclide in ("Po-209", "Po-210", "Po-214", "Po-212"):
        counts, error = result.of(nuclide)
        true = load(DEMO).expected(0, 300)[nuclide][1::2].sum()
        assert abs(counts - true) < 4 * (error**2 + true) ** 0.5, nuclide
