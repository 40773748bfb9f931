"""What a run learns about its acquisition from packets."""

from dorn.session.watch import Watch
from support.products import DICTIONARY, packet

EVENT, MODE = DICTIONARY.enums["event"], DICTIONARY.enums["mode"]
SECOND = 1_000_000


def watched():
    said = []
    return Watch(DICTIONARY, decoded("housekeeping", 100, boot_count=3), said.append), said


def decoded(name, time_s, **fields):
    return DICTIONARY.decode(packet(name, time_s=time_s, **fields).octets)


def event(name, time_s, a=0, b=0):
    return decoded("event_info", time_s, event=EVENT[name], a=a, b=b)


def rates(time_s, real_s, live_s):
    return decoded("rates", time_s, real_us=int(real_s * SECOND), live_us=int(live_s * SECOND))


def test_times_add_up_across_resets_and_clears():
    watch, said = watched()
    for one in (rates(110, 10, 9), event("booted", 120, a=4), rates(150, 20, 18)):
        watch.take(one)
    assert (watch.time_s("real"), watch.time_s("live"), watch.resets) == (30, 27, 1)
    watch.take(rates(160, 5, 4))  # cleared by another client
    assert (watch.time_s("real"), watch.time_s("live")) == (35, 31)
    watch.take(rates(155, 22, 20))  # late
    assert watch.time_s("real") == 35 and len(said) == 1


def test_a_reset_is_noticed_by_its_report_or_by_housekeeping_once():
    watch, said = watched()
    watch.take(event("booted", 120, a=4))
    watch.take(decoded("housekeeping", 121, boot_count=4, mode=MODE["standby"]))
    assert watch.resets == 1 and watch.by_reset and len(said) == 1
    watch.restarted()
    assert watch.stopped is None
    watch.take(decoded("housekeeping", 300, boot_count=5, mode=MODE["safe"]))
    assert watch.resets == 2 and watch.stopped.endswith(", mode safe") and not watch.by_reset


def test_a_stop_by_someone_else_and_what_matters_for_a_measurement_are_reported():
    watch, said = watched()
    watch.take(event("mode_changed", 110, a=MODE["science"], b=MODE["standby"]))
    assert watch.stopped == "the acquisition was stopped: mode standby" and not watch.by_reset
    watch.take(event("mode_changed", 120, a=MODE["standby"], b=MODE["science"]))
    watch.take(event("detector_off", 130, a=5))
    watch.take(event("time_set", 140))
    assert watch.stopped is None and said == [
        "the acquisition was stopped: mode standby",
        "the acquisition was started again",
        "detector 5 switched off: its line was stuck",
    ]


def test_packets_from_before_the_run_are_ignored():
    watch, said = watched()
    watch.take(decoded("housekeeping", 90, boot_count=2, mode=MODE["standby"]))
    watch.take(rates(95, 50, 50))
    assert (watch.resets, watch.time_s("real"), said) == (0, 0, [])
