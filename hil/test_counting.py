"""Counting: every pulse, in its channel, in live time; integrations, classes, detectors switched on and off."""

import itertools
import math
import random
from collections import Counter

import pytest
from dorn.analysis import clocks
from dorn.analysis.calibration import Calibration, channel_edges
from dorn.dictionary import Dictionary
from dorn.image.constants import constants
from dorn.products.style import BLUE, GREY
from dorn.session import CommandFailed
from dorn.targets.event_model import board_times
from matplotlib.figure import Figure
from particles import poisson, regular
from stimuli import hits

TIMES = board_times(constants("pico"))
DEAD_US, MARK_US = (TIMES.dead.of(pattern) / TIMES.mhz for pattern in (1, 0))


def code(energy_kev):
    return int(energy_kev / 3 + 50 + 0.5)


def function(name):
    return "function", {"function": name}


@pytest.mark.head(noise_kev=40)
def test_counts_reconcile_to_the_pulse(commander, stimulus):
    """Every pulse has one fate, counted where it occurs and never by subtraction."""
    commander.set("threshold_3", 1500)  # code 1500: above 3 MeV, below 5 MeV
    commander.set("detectors_on", 0xFFFF & ~(1 << 6))
    commander.start()
    stimulus.play(poisson(20_000, 0.5, 1, energies=(150.0, 3000.0, 5000.0, 14_000.0), pairs=0.25))
    rates, fates = commander.stop(), stimulus.fates
    assert fates.injected > 10_000 and fates.lost_dead_time > 100 and fates.merged > 10
    accepted, below, over, disabled = (rates[n] for n in ("accepted", "below_threshold", "over_range", "disabled"))
    assert sum(below) == below[3] > 0 and sum(over) > 1000 and fates.disabled > 400
    assert fates.delivered == sum(accepted) + sum(below) + sum(over) + sum(disabled) + rates["overrun_hits"]
    assert fates.injected == (
        fates.delivered + fates.merged + fates.lost_dead_time + fates.below_threshold + fates.disabled
    )
    assert fates.spurious == 0
    assert sum(commander.counts().values()) == rates["front"] + rates["back"]
    assert sum(commander.counts("coincidence_spectrum").values()) == rates["front_back"] > 400
    hk = commander.last("housekeeping")
    assert hk["ring_overruns"] == hk["ring_slips"] == hk["task_failures"] == 0


def test_energies_are_counted_in_their_channels(commander, stimulus):
    commander.start()
    particles = [(k * 1_000_000, k % 16, stimulus.nearest(1000.0 + 600 * (k // 16))) for k in range(1, 16 * 18)]
    front_kev, back_kev = stimulus.nearest(2000.0), stimulus.nearest(3000.0)
    particles += [(400_000_000, 8, front_kev), (400_000_000, 9, back_kev)]
    stimulus.play(particles)
    commander.stop()
    expected = {}
    for _, d, energy_kev in particles[:-2]:
        channel = code(energy_kev) // 4
        expected[d, channel] = expected.get((d, channel), 0) + 1
    assert stimulus.judged(commander.counts(), expected) == expected
    sums = {(4, (code(front_kev) + code(back_kev) - 50) // 32): 1}
    assert stimulus.judged_sums(commander.counts("coincidence_spectrum"), sums) == sums


@pytest.mark.parametrize("compression", [1, 0])
def test_counts_are_exact_with_and_without_compression(commander, stimulus, compression):
    """Includes the last channel of single and coincidence spectra; tests/ decodes compressed packets with libaec."""
    commander.set("compression", compression)
    nearest, highest_kev = stimulus.nearest, min(12_130.0, stimulus.highest_kev)
    last_kev = nearest(min((4 * 1023 - 50) * 3.0, highest_kev))
    particles = [(k * 200_000, k % 16, nearest(900.0 + 2.0 * (k % 5000))) for k in range(1, 4000)]
    particles += [(900_000_000 + k * 200_000, k % 16, last_kev) for k in range(1, 160)]
    at_ns = [950_000_000 + k * 200_000 for k in range(1, 256)]  # up to the highest channel of a sum of two codes
    particles += [(t, d, nearest(min(48.0 * k + 324.0, highest_kev))) for k, t in enumerate(at_ns) for d in (8, 9)]
    commander.start()
    stimulus.play(particles)
    rates = commander.stop()
    packets = [p.fields for p in commander.received if p.name in ("spectrum", "coincidence_spectrum")]
    assert {f["coding"] for f in packets if f["count"]} == {compression}
    assert {f["count"] % 16 for f in packets} == {0}
    singles = Counter((d, code(energy_kev) // 4) for _, d, energy_kev in particles[: -2 * len(at_ns)])
    assert stimulus.judged(commander.counts(), singles) == singles and singles[15, code(last_kev) // 4] > 0
    sums = Counter((4, (2 * code(energy_kev) - 50) // 32) for _, _, energy_kev in particles[-2 * len(at_ns) :: 2])
    assert stimulus.judged_sums(commander.counts("coincidence_spectrum"), sums) == sums
    assert rates["front_back"] == len(at_ns) and (4, (2 * code(highest_kev) - 50) // 32) in sums


def test_live_time_is_real_time_minus_the_dead_time_of_every_event(commander, stimulus):
    commander.start()
    stimulus.play(regular(5000, 40_000))
    rates = commander.stop()
    assert rates["events"] == 5000 and rates["passes"] == 0
    # real time may begin before or after the dead time of the start mark, an event without hits
    assert rates["real_us"] - rates["live_us"] == pytest.approx(5000 * DEAD_US + MARK_US / 2, abs=2.4)
    spectrum = next(p.fields for p in commander.received if p.name == "spectrum" and p.fields["detector"] == 0)
    assert (spectrum["real_us"], spectrum["live_us"]) == (rates["real_us"], rates["live_us"])


def test_a_spectrum_closes_early_before_a_channel_overflows(commander, stimulus):
    commander.start()
    stimulus.play(regular(63_000, 15_000, detector=2))
    rates = commander.stop()
    packets = [p for p in commander.received if p.name == "spectrum" and p.fields["detector"] == 2]
    assert [p.text("closed_by") for p in packets] == ["overflow", "stop"]
    assert packets[0].fields["total"] >= 0xF000
    assert sum(p.fields["total"] for p in packets) == rates["accepted"][2] == 63_000
    assert sum(p.fields["live_us"] for p in packets) == pytest.approx(rates["live_us"], abs=2)
    assert sum(p.fields["real_us"] for p in packets) == rates["real_us"]


def test_a_stuck_line_is_switched_off_and_the_others_continue(commander, stimulus):
    commander.start()
    stimulus.hold(1 << 5)
    stimulus.play(poisson(1000, 1.0, 3))
    rates = commander.stop()
    assert [a for a, _ in commander.events("detector_off")] == [5]
    hk = commander.next("housekeeping")
    assert hk["pass_limit_reached"] >= 3 and hk["detectors_on"] == 0xFFFF & ~(1 << 5)
    # switched off after three steps of at most 0.25 s, in which nearly all time is dead time and counted as such
    assert 35_000 < rates["real_us"] - rates["live_us"] < 800_000
    assert sum(rates["accepted"]) > 200


def test_lines_that_are_all_high_are_switched_off_and_count_again_when_switched_on(commander, stimulus):
    """As those of a stimulus board without its firmware, or of a head without power."""
    commander.start()
    stimulus.hold(0xFFFF)
    commander.until(lambda: len(commander.events("detector_off")) == 16, 5)
    assert sorted(d for d, _ in commander.events("detector_off")) == list(range(16))
    commander.command("report_structure", structure="health")
    assert commander.last("housekeeping")["detectors_on"] == 0
    rates = commander.stop()
    assert rates["live_us"] < rates["real_us"] and rates["passes"] > 0  # the passes are dead time
    stimulus.hold(0)
    commander.set("detectors_on", 0xFFFF)
    commander.function("clear")
    commander.start()
    stimulus.play(regular(100, 50_000))
    assert commander.stop()["events"] == 100


def test_detectors_are_switched_off_individually(commander, stimulus):
    commander.set("detectors_on", 0b1010)
    commander.start()
    stimulus.play(poisson(2000, 0.3, 4))
    rates = commander.stop()
    assert [d for d, n in enumerate(rates["accepted"]) if n] == [1, 3]
    assert stimulus.fates.disabled > 400


def test_start_stop_and_clear_repeatedly(commander, stimulus):
    for n in range(1, 4):
        with pytest.raises(CommandFailed, match="wrong_mode"):
            commander.function("stop")
        commander.received.clear()
        commander.start()
        with pytest.raises(CommandFailed, match="wrong_mode"):
            commander.function("start")
        stimulus.play(regular(100, 50_000))
        rates = commander.stop()
        assert rates["events"] == 100 * n and sum(commander.counts().values()) == 100
    commander.function("clear")
    rates = commander.next("rates")
    assert rates["events"] == rates["real_us"] == sum(rates["accepted"]) == 0
    hk = commander.next("housekeeping")
    assert hk["integration"] == 3 and hk["commands_rejected"] == 6


def test_consecutive_integrations_have_no_gap(commander, stimulus):
    commander.set("integration_time", 1)
    commander.start()
    stimulus.play(poisson(500, 4.6, 5))  # sending the spectra of the fourth integration takes half a second
    rates = commander.stop()
    mine = [p.fields for p in commander.received if p.name == "spectrum" and p.fields["detector"] == 7]
    spectra = list({f["integration"]: f for f in mine}.values())  # some spectra are in several packets
    assert [f["integration"] for f in spectra] == [1, 2, 3, 4, 5]
    for one, next_one in itertools.pairwise(spectra):
        assert next_one["start_us"] == one["start_us"] + one["real_us"]
    assert sum(f["real_us"] for f in spectra) == rates["real_us"]
    assert sum(commander.counts().values()) == rates["front"] + rates["back"]


def test_a_start_is_rejected_until_the_previous_spectra_are_sent(commander, stimulus):
    """The start fails until the spectra are sent; no counts are lost."""
    commander.start()
    stimulus.play(regular(1000, 40_000))
    refused = commander.wait_for(
        lambda p: p.name == "start_failure", 5, begin=lambda: commander.send(function("stop"), function("start"))
    )
    assert refused.text("failure") == "wrong_mode"
    commander.advance(2)
    assert sum(commander.counts().values()) == 1000
    commander.start()


def test_counts_from_before_a_clear_are_not_reported_after_it(commander, stimulus):
    commander.start()
    stimulus.play(poisson(2000, 0.3, 9))
    commander.wait_for(
        lambda p: p.name == "completion_success" and p.fields["request_sequence"] == 0xC000 | 102,
        5,
        begin=lambda: commander.send(function("stop"), function("clear"), function("start")),
    )
    commander.received.clear()
    commander.advance(2)
    assert not commander.counts()


@pytest.mark.parametrize(("cps", "seconds"), [(500, 5), (5_000, 2), (20_000, 0.5)])
def test_the_live_time_corrected_rate_is_the_injected_rate(
    commander, stimulus, seed, evidence, clock_ppm, cps, seconds
):
    commander.start()
    stimulus.play(poisson(cps, seconds, seed))
    rates = commander.stop()
    assert stimulus.reconciles(rates) and hits(rates) == sum(rates["accepted"]) and rates["gap_us"] == 0
    live_s = rates["live_us"] / 1e6
    cps = clocks.rate_cps(cps, clock_ppm)
    pull = (rates["events"] - cps * live_s) / math.sqrt(cps * live_s)
    evidence("live-time-corrected rate", f"{rates['events'] / live_s:.0f} of {cps:.0f} cps, {pull:+.2f} sigma")
    # the run continues for a few milliseconds after the source has ended
    silent_s = rates["real_us"] / 1e6 - seconds
    assert abs(pull + cps * silent_s / math.sqrt(cps * live_s)) < 4


def test_spectra_equal_the_injected_pulses(commander, stimulus, seed, evidence):
    """5000 pulses of three lines, 0.2 ms apart, in 16 detectors; every tenth is a coincidence in its unit."""
    rng = random.Random(seed)
    particles, singles, sums = [], Counter(), Counter()
    for n in range(1, 5001):
        d, energies = rng.randrange(16), rng.choices([stimulus.nearest(kev) for kev in (4500.0, 6000.0, 7680.0)], k=2)
        codes = [code(energy_kev) for energy_kev in energies]
        particles.append((n * 200_000, d, energies[0]))
        if n % 10:
            singles[d, codes[0] // 4] += 1
        else:
            particles.append((n * 200_000, d ^ 1, energies[1]))
            sums[d // 2, (sum(codes) - 50) // 32] += 1
    commander.start()
    stimulus.play(particles)
    commander.stop()
    evidence("spectra", _plot(commander.counts()))
    assert stimulus.judged(commander.counts(), singles) == singles
    assert stimulus.judged_sums(commander.counts("coincidence_spectrum"), sums) == sums


def _plot(spectra):
    figure = Figure(figsize=(7, 2.6), dpi=90, layout="constrained")
    axes = figure.subplots()
    instrument = Dictionary.load().instrument
    edges_mev = Calibration.default(instrument).energy_kev(channel_edges(instrument), 0) / 1000
    counts = [sum(n for (_, c), n in spectra.items() if c == channel) for channel in range(instrument["channels"])]
    axes.stairs(counts, edges_mev, color=BLUE)
    filled = [c for c, n in enumerate(counts) if n]
    middles_mev = [(edges_mev[c] + edges_mev[c + 1]) / 2 for c in filled]
    errors = [math.sqrt(counts[c]) for c in filled]
    axes.errorbar(middles_mev, [counts[c] for c in filled], errors, fmt="none", color=GREY)
    axes.set_xlabel("energy (MeV)")
    axes.set_ylabel("counts")
    return figure


def test_every_event_has_its_class(commander, stimulus):
    """In turn, 1 ms apart: front, back, both of a unit, two units, all 16, below the threshold."""
    hits = ([0], [3], [4, 5], [6, 9], list(range(16)), [12])
    particles = [
        ((10 * k + n) * 1_000_000, d, stimulus.nearest(400.0 if d == 12 and n == 5 else 3000.0))
        for k in range(50)
        for n, detectors in enumerate(hits)
        for d in detectors
    ]
    commander.set("threshold_12", 1000)
    commander.start()
    stimulus.play(particles)
    rates = commander.stop()
    assert (rates["front"], rates["back"], rates["front_back"], rates["several_units"]) == (50, 50, 50, 100)
    assert rates["none_accepted"] == rates["below_threshold"][12] == 50


def test_thresholds_of_comparators_and_codes(commander, stimulus):
    """A pulse below the comparator threshold does not trigger; a code below the threshold is counted separately."""
    commander.set("comparator_front", 150)  # 1 MeV
    commander.set("threshold_2", 50 + 2000 // 3)  # 2 MeV
    commander.start()
    energies = (900.0, 1100.0, 1900.0, 2100.0)
    stimulus.play([(n * 100_000, 2, energies[n % 4]) for n in range(1, 401)])
    rates = commander.stop()
    assert (rates["events"], rates["accepted"][2], rates["below_threshold"][2]) == (300, 100, 200)
    assert stimulus.fates.below_threshold == 100
