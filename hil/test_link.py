"""A bad line: a fault affects only the frames it hits, is counted, and leaves no lasting effect."""

import random

import pytest
from dorn.targets import TargetError
from mangler import FAULTS, Mangler


def mangled(commander, link, up=None, down=None, commands=60):
    """Ping over the bad line, then check that the line works once it has recovered; -> number of pings answered."""
    if up:
        link.up = up
    if down:
        link.down = down
    answered = 0
    for _ in range(commands):
        try:
            commander.command("ping", limit_s=0.2)
            answered += 1
        except TargetError:
            pass
    link.heal()
    commander.advance(0.5)
    for _ in range(10):
        commander.command("ping", limit_s=1)
    return answered


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_on_the_uplink(commander, link, seed, evidence, fault):
    mangler = Mangler(seed, **{fault: 0.01})
    answered = mangled(commander, link, up=mangler)
    hk = commander.next("housekeeping")
    evidence("faults / answered / damaged frames", f"{mangler.counts[fault]} / {answered} of 60 / {hk['frames_bad']}")
    assert mangler.counts[fault] > 0 and answered > 0
    assert hk["commands_rejected"] == hk["task_failures"] == 0  # a damaged frame is never accepted as a telecommand
    if fault != "split":
        assert hk["frames_bad"] > 0


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_on_the_downlink(commander, link, seed, evidence, fault):
    mangler = Mangler(seed, **{fault: 0.002})
    answered = mangled(commander, link, down=mangler)
    damaged = commander.crc_errors
    evidence("faults / answered / damaged frames", f"{mangler.counts[fault]} / {answered} of 60 / {damaged}")
    assert mangler.counts[fault] > 0
    assert set(link.arrived) <= set(link.sent)  # noise is never accepted as a packet
    if fault != "split":
        assert damaged > 0 and commander.sequence_gaps > 0


def test_noise_corrupts_only_the_frame_it_hits(commander):
    rng = random.Random(6)
    for n in range(20):
        noise = rng.randbytes(rng.randrange(1, 700))

        def begin(noise=noise, n=n):
            commander.target.send(noise)
            commander.send(("ping", {}), first=100 + n)

        commander.wait_for(lambda packet: packet.name == "pong", 2, begin=begin)
    commander.command("ping")
    hk = commander.next("housekeeping")
    assert hk["commands_accepted"] == 21 and hk["frames_bad"] >= 20


def test_housekeeping_continues_while_the_ground_is_silent(commander):
    """One minute without a byte from the ground."""
    before = commander.next("housekeeping")
    commander.advance(60)
    after = commander.last("housekeeping")
    # at least five housekeeping periods, each ten seconds give or take a few milliseconds
    assert after["uptime_ms"] - before["uptime_ms"] >= 49_000 and after["boot_count"] == before["boot_count"]
