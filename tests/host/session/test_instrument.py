"""session/instrument.py: what tests and commands ask of an instrument."""

from support.instrument import instrument


def test_the_value_of_a_parameter_is_not_that_of_another():
    with instrument("unix") as i:
        i.set("threshold_3", 777)
        i.post("report_parameter", parameter="threshold_4")  # its answer is still to come
        assert i.value("threshold_3") == 777
