"""The start detects firmware with an unbound parameter."""

import pytest
from dorn.image import firmware
from support.instrument import DICTIONARY, instrument
from support.kept import mode
from support.onboard import script

REASONS = DICTIONARY.enums["safe_reason"]


UNBOUND = script("unbound")


def test_an_unbound_parameter_leads_to_safe_and_an_event():
    files = firmware.files("unix")
    files["firmware_main.py"], files["main.py"] = files["main.py"], UNBOUND.encode()
    with instrument("unix", files=files) as i:
        assert mode(i) == "safe"
        assert i.events("parameter_unbound") == [(DICTIONARY.parameters["time_interval"].id, 0)]
        assert i.events("safe") == [(REASONS["parameters"], 0)]
        assert i.housekeeping.fields["boot_count"] == 1


@pytest.mark.parametrize("without", [(), tuple(DICTIONARY.optional)])
def test_every_parameter_is_bound(without):
    with instrument("unix", files=firmware.files("unix", without=without)) as i:
        assert mode(i) == "standby" and not i.events("parameter_unbound")
