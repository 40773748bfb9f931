# fsw/link/authentication.py in isolation: a challenge is needed without a counter, or if flash cannot store it.
from check import equal, has
from doubles import EIO, EROFS, each_failure
from fsw import icd
from fsw.health.faults import Refused
from signatures import AHEAD, PACKET, REPORT_US, Bench, copy, signed

FORGED, REPLAYED, UNSYNCHRONISED = icd.FAILURE_FORGED, icd.FAILURE_REPLAYED, icd.FAILURE_UNSYNCHRONISED


# -- without a counter -------------------------------------------------------------------------------------------------


def test_without_a_counter_only_a_challenge_response_is_accepted():
    bench = Bench(files=(), record=None)
    bench.authentication.report()
    equal(bench.reports.all.pop(0), (icd.EVENT_COUNTER_DAMAGED, 3, 0))
    challenge = bench.challenge()
    equal(bench.refused(signed(200)), (UNSYNCHRONISED, 200))
    equal(bench.refused(signed(200, over=bytes(8))), (FORGED, 200))
    equal(bench.refused(signed(0, over=challenge)), (REPLAYED, 0))
    equal(bench.open(signed(5, over=challenge)), PACKET)
    equal(bench.refused(signed(6, over=challenge)), (FORGED, 6))
    equal(bench.refused(signed(5)), (REPLAYED, 5))
    equal(bench.open(signed(6)), PACKET)
    equal((bench.slots.payloads(), bench.reports.all), ([copy(5 + AHEAD)] * 2, []))


def test_each_start_has_its_own_challenge():
    seen = set()
    for _ in range(8):
        bench = Bench(files=(), record=None)
        bench.authentication.report()
        bench.reports.all.pop(0)
        challenge = bench.challenge()
        equal(len(challenge), 8)
        seen.add(challenge)
    equal(len(seen), 8)


def test_the_challenge_is_repeated_at_most_every_ten_seconds():
    bench = Bench(files=(), record=None)
    bench.clock.now_us = 7_000_000
    bench.authentication.report()
    bench.reports.all.pop(0)
    challenge = bench.challenge()
    bench.clock.now_us += REPORT_US - 1
    bench.refused(signed(200))
    equal(bench.reports.all, [])
    bench.clock.now_us += 1
    bench.refused(signed(200, key=bytes(32)))  # signed without the key
    equal(bench.reports.all, [])
    bench.refused(signed(200))
    bench.refused(signed(201))
    equal(bench.challenge(), challenge)


def test_the_first_challenge_is_reported_immediately():
    bench = Bench(files=(), record=None)
    bench.refused(signed(200))
    equal(bench.open(signed(200, over=bench.challenge())), PACKET)


# -- failed flash ------------------------------------------------------------------------------------------------------


def test_without_a_flash_every_telecommand_needs_its_own_challenge():
    bench = Bench()
    bench.flash.fail(EROFS)
    equal(bench.refused(signed(200)), (UNSYNCHRONISED, 200))
    equal((bench.failures.count, bench.failures.errno), (1, EROFS))
    equal(bench.boot_record.unsynchronised, True)
    seen = set()
    for counter in range(201, 205):
        challenge = bench.challenge()
        seen.add(challenge)
        equal(bench.refused(signed(counter)), (UNSYNCHRONISED, counter))
        equal(bench.open(signed(counter, over=challenge)), PACKET, counter)
        equal(bench.refused(signed(counter, over=challenge)), (FORGED, counter))
    equal(len(seen), 4)
    equal(bench.refused(signed(204, over=bench.challenge())), (REPLAYED, 204))
    equal(bench.refused(signed(100)), (UNSYNCHRONISED, 100))


def test_counters_reserved_earlier_are_accepted_without_a_flash():
    bench = Bench()
    bench.open(signed(101))
    bench.flash.fail(EROFS)
    equal(bench.open(signed(101 + AHEAD)), PACKET)
    equal(bench.refused(signed(102 + AHEAD)), (UNSYNCHRONISED, 102 + AHEAD))


def test_no_challenge_is_needed_once_flash_works_again():
    bench = Bench()
    bench.flash.fail(EIO)
    bench.refused(signed(200))
    bench.flash.work()
    equal(bench.open(signed(201, over=bench.challenge())), PACKET)
    equal((bench.boot_record.unsynchronised, bench.slots.payloads()), (False, [copy(201 + AHEAD)] * 2))
    equal(bench.open(signed(202)), PACKET)
    equal((bench.reports.all, bench.failures.count), ([], 1))


def test_after_a_reset_without_a_flash_a_challenge_is_still_needed():
    bench = Bench()
    bench.flash.fail(EIO)
    bench.refused(signed(200))
    bench.flash.work()
    bench = bench.again()
    bench.authentication.report()
    challenge = bench.challenge()
    equal(bench.refused(signed(201)), (UNSYNCHRONISED, 201))
    equal(bench.open(signed(201, over=challenge)), PACKET)
    equal(bench.again().started(), [])


def test_an_accepted_counter_is_in_two_copies_and_not_accepted_again():
    """Two copies are required, as a single one could be damaged."""
    outcomes = []

    def act(bench):
        try:
            bench.open(signed(200))
        except Refused as refused:
            equal(refused.args, (UNSYNCHRONISED, 200))
        outcomes.append(bench.authentication.rejected)

    for _, bench, error in each_failure(Bench, act, EIO):
        equal(error, None)
        if outcomes[-1]:
            assert bench.slots.payloads() != [copy(200 + AHEAD)] * 2
        else:
            equal(bench.slots.payloads(), [copy(200 + AHEAD)] * 2)
        bench = bench.again()
        if outcomes[-1]:
            bench.authentication.report()
            assert bench.challenge()
        else:
            equal(bench.refused(signed(200))[0], REPLAYED)
    has(outcomes[:-1], 0)
    has(outcomes, 1)
