"""session/instrument.py: what tests and commands ask of an instrument."""

from support.instrument import instrument


def test_the_value_of_a_parameter_is_not_that_of_another():
    with instrument("unix") as i:
        i.set("threshold_3", 777)
        i.post("report_parameter", parameter="threshold_4")  # its answer is still to come
        assert i.value("threshold_3") == 777


def test_a_periodic_packet_may_take_twice_its_period():
    """An emulated board on a port falls behind real time, in which the limit is, while its host is busy."""
    with instrument("unix") as i:
        i.set("housekeeping_period", 20)
        last_s = i.next_packet("housekeeping").time_s
        assert i.next_packet("housekeeping").time_s > last_s + 19
