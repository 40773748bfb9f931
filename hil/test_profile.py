"""Rates measured in space drive the simulated head; the counts agree within statistical errors."""

import csv
import itertools
import math
import os
from pathlib import Path

import pytest
from dorn.products.style import BLUE, GREY
from matplotlib.figure import Figure
from particles import changing
from stimuli import hits

DATA = Path(os.environ.get("DORN_DATA", ""))


def proton_storm():
    """GOES-15, 7 March 2012: onset and rise of a proton storm."""
    return goes_15(7)


def goes_15(day):
    """GOES-15, March 2012, protons of 15-40 MeV: (seconds, cps), 33 s each, gaps omitted."""
    path = DATA / "goes15-2012-03" / f"g15_epead_p27w_32s_201203{day:02}_201203{day:02}.csv"
    _, _, table = path.read_text().partition("data: \n")
    rates = [float(row["P4W_UNCOR_CR"]) for row in csv.DictReader(table.splitlines())]
    return [(32.77, cps) for cps in rates if cps >= 0]


def gamma_ray_burst():
    """Fermi GBM, GRB 080723557, one detector: (seconds, cps), 2 s each."""
    (path,) = (DATA / "grb-gbm").glob("lc_*.csv")
    with path.open() as file:
        return [(2.048, int(counts) / 2.048) for _, counts in list(csv.reader(file))[1:]]


# When the profile may begin, in s of real time: a stimulus board takes a while to begin a list. The time that fits best
# is taken, as only the board knows it.
BEGINS_S = [n / 100 for n in range(31)]


# hours and minutes are compressed in time by `faster`; the rates are as measured
@pytest.mark.parametrize(("profile", "faster"), [(proton_storm, 2000), (gamma_ray_burst, 20)])
def test_counts_follow_the_measured_rate(commander, stimulus, seed, evidence, profile, faster):
    measured = [(seconds / faster, cps) for seconds, cps in profile()]
    commander.set("rates_period", 1)
    commander.start()
    stimulus.play(changing(measured, seed))
    commander.stop()
    rates = commander.last("rates")
    assert stimulus.reconciles(rates) and hits(rates) == sum(rates["accepted"])
    chi2, begin_s = min((chi_squared(compare(commander, measured, begin_s)), begin_s) for begin_s in BEGINS_S)
    times, expected, counted, errors, pulls = compare(commander, measured, begin_s)
    evidence("intervals / chi-squared / begin of the profile, s", f"{len(pulls)} / {chi2:.1f} / {begin_s:.2f}")
    evidence("profile", plot(times, expected, counted, errors))
    assert max(map(abs, pulls)) < 4.5
    assert chi2 < len(pulls) + 4 * math.sqrt(2 * len(pulls))
    assert max(expected) > 2 * min(expected)  # the rate did change


def chi_squared(compared):
    return sum(pull**2 for pull in compared[-1])


def compare(commander, measured, begin_s):
    """For each interval between rates packets: midpoint in s; expected rate, counted rate and its error in cps of real
    time; pull. begin_s: real time of the instrument when the profile began."""
    packets = [p.fields for p in commander.received if p.name == "rates"]
    ends = [(0.0, 0.0, begin_s, 0.0)]
    total_s, total = begin_s, 0.0
    for seconds, cps in measured:
        ends.append((total_s, total, seconds, cps))
        total_s, total = total_s + seconds, total + seconds * cps

    def until(t_s):
        """Expected number of particles up to `t_s`."""
        if t_s >= total_s:
            return total
        before_s, before, seconds, cps = max(row for row in ends if row[0] <= t_s)
        return before + min(t_s - before_s, seconds) * cps

    times, expected, counted, errors, pulls = [], [], [], [], []
    for one, other in itertools.pairwise(packets):
        real_us = other["real_us"] - one["real_us"]
        if real_us < 100_000 or one["real_us"] / 1e6 > total_s:
            continue
        live = (other["live_us"] - one["live_us"]) / real_us
        wanted = live * (until(other["real_us"] / 1e6) - until(one["real_us"] / 1e6))
        found = other["events"] - one["events"]
        times.append((one["real_us"] + other["real_us"]) / 2e6)
        expected.append(wanted / (real_us / 1e6))
        counted.append(found / (real_us / 1e6))
        errors.append(math.sqrt(found) / (real_us / 1e6))
        pulls.append((found - wanted) / math.sqrt(max(wanted, 1)))
    return times, expected, counted, errors, pulls


def plot(times, expected, counted, errors):
    figure = Figure(figsize=(7, 2.6), dpi=90, layout="constrained")
    axes = figure.subplots()
    axes.step(times, expected, where="mid", color=GREY, label="measured in space")
    axes.errorbar(times, counted, errors, fmt=".", color=BLUE, elinewidth=0.8, label="counted")
    axes.set_xlabel("target time (s)")
    axes.set_ylabel("counts per second of real time")
    axes.legend(frameon=False)
    return figure
