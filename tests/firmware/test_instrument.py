"""The whole firmware on both simulated targets: what it counts, and what it survives."""

import itertools
import random

import pytest
from dorn.link import frames
from dorn.session import CommandFailed
from instrument import DICTIONARY, both, instrument

KEV_PER_CHANNEL = 12


def poisson(rate_cps, duration_s, seed, energies=(3000.0, 5000.0, 8000.0), pairs=0.0, detectors=range(16)):
    rng = random.Random(seed)
    t = 0
    while (t := t + int(rng.expovariate(rate_cps) * 1e9)) < duration_s * 1e9:
        d = rng.choice(detectors)
        yield t, d, rng.choice(energies)
        if rng.random() < pairs:
            yield t, d ^ 1, rng.choice(energies)


def regular(n, spacing_ns, detector=0, energy_kev=5000.0):
    return ((i * spacing_ns, detector, energy_kev) for i in range(1, n + 1))


@both
def test_books_balance_to_the_pulse(where):
    """Every pulse has one fate, each counted where it happens; nothing is found by subtraction."""
    with instrument(where, noise_kev=40) as i:
        i.command("set_parameter", parameter="threshold_3", value=1500)  # its 3 and 5 MeV are below
        i.command("set_parameter", parameter="detectors_on", value=0xFFFF & ~(1 << 6))
        i.start()
        i.play(poisson(20_000, 0.5, 1, energies=(150.0, 3000.0, 5000.0, 14_000.0), pairs=0.25))
        rates, fates = i.stop(), i.target.head.fates
        assert fates.injected > 10_000 and fates.lost_dead_time > 100 and fates.merged > 10
        accepted, below, over, disabled = (rates[n] for n in ("accepted", "below_threshold", "over_range", "disabled"))
        assert sum(below) == below[3] > 0 and sum(over) > 1000 and fates.disabled > 400
        assert fates.delivered == sum(accepted) + sum(below) + sum(over) + sum(disabled) + rates["overrun_hits"]
        assert fates.injected == (
            fates.delivered + fates.merged + fates.lost_dead_time + fates.below_threshold + fates.disabled
        )
        assert fates.spurious == 0
        assert sum(i.counts().values()) == rates["front"] + rates["back"]
        assert sum(i.counts("coincidence_spectrum").values()) == rates["front_back"] > 400
        hk = i.last("housekeeping")
        assert hk["ring_overruns"] == hk["ring_slips"] == hk["task_failures"] == 0


@both
def test_energies_arrive_in_their_channels(where):
    with instrument(where) as i:
        i.start()
        particles = [(k * 1_000_000, k % 16, 1000.0 + 600 * (k // 16)) for k in range(1, 16 * 18)]
        particles += [(400_000_000, 8, 2000.0), (400_000_000, 9, 3000.0)]
        i.play(particles)
        i.stop()
        expected = {}
        for _, d, energy_kev in particles[:-2]:
            channel = int(energy_kev / 3 + 50 + 0.5) // 4
            expected[d, channel] = expected.get((d, channel), 0) + 1
        assert i.counts() == expected
        assert i.counts("coincidence_spectrum") == {(4, (717 + 1050 - 50) // 32): 1}


@both
def test_live_time_is_real_time_less_the_dead_time_of_every_event(where):
    with instrument(where) as i:
        i.start()
        i.play(regular(5000, 40_000))
        rates = i.stop()
        assert rates["events"] == 5000 and rates["passes"] == 0
        # real time begins with the mark's stamp on the chip, before the mark on unix
        mark = 355 if where == "unix" else 0
        assert rates["real_us"] - rates["live_us"] == pytest.approx((5000 * 677 + mark) / 125, abs=1)
        spectrum = next(p.fields for p in i.said if p.name == "spectrum" and p.fields["detector"] == 0)
        assert (spectrum["real_us"], spectrum["live_us"]) == (rates["real_us"], rates["live_us"])


@both
def test_a_channel_closes_early_before_it_overflows(where):
    with instrument(where) as i:
        i.start()
        i.play(regular(70_000, 15_000, detector=2))
        rates = i.stop()
        packets = [p for p in i.said if p.name == "spectrum" and p.fields["detector"] == 2]
        assert [p.text("closed_by") for p in packets] == ["overflow", "stop"]
        assert packets[0].fields["total"] >= 0xF000
        assert sum(p.fields["total"] for p in packets) == rates["accepted"][2] == 70_000
        assert sum(p.fields["live_us"] for p in packets) == pytest.approx(rates["live_us"], abs=2)
        assert sum(p.fields["real_us"] for p in packets) == rates["real_us"]


@both
def test_a_stuck_line_is_switched_off_and_the_others_go_on(where):
    with instrument(where) as i:
        i.start()
        i.target.head.stick(5, True)
        i.play(poisson(1000, 1.0, 3))
        rates = i.stop()
        assert [a for a, _ in i.events("detector_off")] == [5]
        hk = i.wait_for(lambda packet: packet.name == "housekeeping", 11).fields
        assert hk["gave_up"] >= 3 and hk["detectors_on"] == 0xFFFF & ~(1 << 5)
        # three turns of at most 0.25 s: until then nearly all of the time is dead, and counted so
        assert 35_000 < rates["real_us"] - rates["live_us"] < 800_000
        assert sum(rates["accepted"]) > 200


@both
def test_detectors_are_switched_off_singly(where):
    with instrument(where) as i:
        i.command("set_parameter", parameter="detectors_on", value=0b1010)
        i.start()
        i.play(poisson(2000, 0.3, 4))
        rates = i.stop()
        assert [d for d, n in enumerate(rates["accepted"]) if n] == [1, 3]
        assert i.target.head.fates.disabled > 400


@both
def test_start_stop_clear_again_and_again(where):
    with instrument(where) as i:
        for n in range(1, 4):
            with pytest.raises(CommandFailed, match="wrong_mode"):
                i.command("function", function="stop")
            i.said.clear()
            i.start()
            with pytest.raises(CommandFailed, match="wrong_mode"):
                i.command("function", function="start")
            i.play(regular(100, 50_000))
            rates = i.stop()
            assert rates["events"] == 100 * n and sum(i.counts().values()) == 100
        i.command("function", function="clear")
        rates = i.wait_for(lambda packet: packet.name == "rates", 10).fields
        assert rates["events"] == rates["real_us"] == sum(rates["accepted"]) == 0
        hk = i.wait_for(lambda packet: packet.name == "housekeeping", 11).fields
        assert hk["integration"] == 3 and hk["commands_rejected"] == 6


@both
def test_integrations_follow_each_other_without_a_gap(where):
    with instrument(where) as i:
        i.command("set_parameter", parameter="integration_time", value=1)
        i.start()
        i.play(poisson(500, 4.6, 5))  # the spectra of the fourth are sent by then: that takes half a second
        rates = i.stop()
        mine = [p.fields for p in i.said if p.name == "spectrum" and p.fields["detector"] == 7]
        spectra = list({f["integration"]: f for f in mine}.values())  # some come in several packets
        assert [f["integration"] for f in spectra] == [1, 2, 3, 4, 5]
        for one, next_one in itertools.pairwise(spectra):
            assert next_one["start_us"] == one["start_us"] + one["real_us"]
        assert sum(f["real_us"] for f in spectra) == rates["real_us"]
        assert sum(i.counts().values()) == rates["front"] + rates["back"]


@both
def test_noise_on_the_link_costs_the_frame_it_hits(where):
    rng = random.Random(6)
    with instrument(where) as i:
        for n in range(20):
            noise = rng.randbytes(rng.randrange(1, 700)) + b"\0"
            ping = frames.encode(i.dictionary.encode("ping", 100 + n))
            i.wait_for(lambda packet: packet.name == "pong", 2, begin=lambda b=noise + ping: i.target.send(b))
        i.command("ping")
        hk = i.wait_for(lambda packet: packet.name == "housekeeping", 11).fields
        assert hk["commands_accepted"] == 21 and hk["frames_bad"] >= 20


@both
def test_every_boot_is_counted(where, tmp_path):
    for n in (1, 2, 3):
        with instrument(where, flash=tmp_path) as i:
            hk = i.last("housekeeping")
            assert hk["boot_count"] == n
            assert DICTIONARY.enums["reset_cause"]["power_on"] == hk["reset_cause"]
            assert i.events("booted") == [(n, hk["reset_cause"])]


@both
def test_a_start_waits_for_the_spectra_of_the_run_before(where):
    """Refused as long as they are not sent; nothing is lost."""
    with instrument(where) as i:
        i.start()
        i.play(regular(1000, 40_000))
        both_at_once = b"".join(
            frames.encode(i.dictionary.encode("function", 100 + n, function=name))
            for n, name in enumerate(("stop", "start"))
        )
        refused = i.wait_for(lambda p: p.name == "start_failure", 5, begin=lambda: i.target.send(both_at_once))
        assert refused.text("failure") == "wrong_mode"
        i.advance(2)
        assert sum(i.counts().values()) == 1000
        i.start()


@both
def test_nothing_from_before_a_clear_comes_after_it(where):
    with instrument(where) as i:
        i.start()
        i.play(poisson(2000, 0.3, 9))
        commands = b"".join(
            frames.encode(i.dictionary.encode("function", 100 + n, function=name))
            for n, name in enumerate(("stop", "clear", "start"))
        )
        started = i.wait_for(
            lambda p: p.name == "completion_success" and p.fields["request_sequence"] == 0xC066,
            5,
            begin=lambda: i.target.send(commands),
        )
        i.said.clear()
        i.advance(2)
        assert started and not i.counts()


def test_an_instrument_that_cannot_count_its_boots_still_measures(tmp_path):
    (tmp_path / "boot").mkdir()  # the file cannot be written
    with instrument("unix", flash=tmp_path) as i:
        assert len(i.events("flash_failed")) == 1 and i.last("housekeeping")["boot_count"] == 1
        i.start()
        i.play(regular(10, 40_000))
        assert i.stop()["events"] == 10
