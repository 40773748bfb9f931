"""The clock of the instrument measured against that of what plays the pulses."""

from dorn.analysis import clocks, event_list
from particles import regular

_PERIOD_US = 250_000
_PULSES = 17
_LISTED_S = 12  # an event is listed within 10 s


def measured_ppm(commander, stimulus):
    """By how much the clock of the instrument is faster. Takes 16 s of target time; the counters are clear then."""
    commander.received.clear()
    commander.start()
    stimulus.play(regular(_PULSES, 1000 * _PERIOD_US))
    commander.stop()
    commander.advance(_LISTED_S)
    stamps_us = [event.time_us for event in event_list.read(commander.received).events]
    commander.function("clear")
    stimulus.forget()
    commander.received.clear()
    return clocks.difference_ppm(stamps_us, _PERIOD_US)
