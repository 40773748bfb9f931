"""Each task in turn hangs or raises an exception, on the emulated Pico: the instrument resets and reports the cause,
and hardware removes the bias."""

import pytest
from dorn.dictionary import Dictionary
from dorn.image import firmware
from dorn.util.paths import onboard_root

# task -> file and line of its step before which the fault is inserted, active once parameter `storage_delay` is 7
STEPS = {
    "acquisition": ("fsw/spectra/acquisition.py", "        if now >= self._rollover_us and"),
    "commands": ("fsw/pus/router.py", "        more = self._router.handle_released()"),
    "spectra": ("fsw/pus/spectra.py", "        s = self._spectrum\n        if self._cleared"),
    "rates": ("fsw/pus/rates.py", "        a = self._acquisition\n        s = a.state"),
    "housekeeping": ("fsw/pus/housekeeping.py", "        a, e, slow_control ="),
    "slow_control": ("fsw/health/slow_control.py", "        self._stepped_us = now\n"),
    "storage": ("fsw/pus/storage.py", "        record = self._boot_record\n"),
    "operations": ("fsw/executive.py", "        for part in self._parts:\n"),
}
SHORT = ("storage",)
DICTIONARY = Dictionary.load()
ENUMS = DICTIONARY.enums
FAULT = """        import fsw as changed  # a name that no step uses
        if getattr(changed, "fault", False):
            {fault}
"""


def pytest_generate_tests(metafunc):
    if "task" in metafunc.fixturenames:
        metafunc.parametrize("task", STEPS if metafunc.config.getoption("long") else SHORT)


@pytest.fixture
def faulty(open_pico):
    """faulty(task, fault) -> an instrument with bias on, whose task executes `fault` once a parameter is set."""

    def faulty(task, fault):
        path, line = STEPS[task]
        changed = {path: _source(path)}
        assert changed[path].count(line) == 1
        changed[path] = changed[path].replace(line, FAULT.format(fault=fault) + line)
        # triggered by the telecommand only: the parameter is stored on flash, and the next boot must be healthy
        arming = "        self._apply(number, value)\n        if value != self._values[at]:\n"
        parameters = _source("fsw/pus/parameters.py")
        assert parameters.count(arming) == 1
        changed["fsw/pus/parameters.py"] = parameters.replace(
            arming,
            "        import fsw\n\n        fsw.fault = (number, value) == (icd.P_STORAGE_DELAY, 7)\n" + arming,
        )
        instrument = open_pico(firmware.files("pico", changed))
        instrument.set("rates_period", 1)
        instrument.set("housekeeping_period", 1)
        instrument.set("bias", 5000)
        instrument.start()
        instrument.armed("bias_on")
        instrument.until(lambda: bool(instrument.events("bias_reached")), 20)
        assert instrument.target.slow_control.bias_mv > 0
        return instrument

    return faulty


def _source(path):
    return (onboard_root() / "firmware" / path).read_text()


def trigger(instrument):
    """(boot count, cause) of the boot that follows; checks that the bias is off."""
    boot = instrument.reboot(lambda: instrument.post("set_parameter", parameter="storage_delay", value=7), 40)
    instrument.until(lambda: instrument.target.slow_control.bias_mv == 0, 3)
    return boot


def test_a_task_that_hangs(faulty, task, totals):
    """The watchdog resets the chip within 8 s; before that, after 2.5 s, hardware removes the bias."""
    instrument = faulty(task, 'while True: __import__("machine").idle()')  # emulated faster than a busy loop
    count, _ = instrument.events("booted")[-1]
    supply = instrument.target.slow_control
    instrument.post("set_parameter", parameter="storage_delay", value=7)
    instrument.advance(3.6)  # the longest period of a task, 1 s, plus 2.5 s
    assert supply.bias_mv == 0 and instrument.target.resets == 0
    while not instrument.target.resets:
        instrument.target.hardware(0.05)  # halts the CPU; emulated faster than a hung task
    assert instrument.reboot(lambda: None) == (count + 1, ENUMS["reset_cause"]["watchdog"])
    totals(f"{task} hangs: bias off by hardware, reset by the watchdog, cause reported")


def test_a_task_that_raises(faulty, task, totals):
    """Reset after three more steps; exception, task and line are reported before it and, from flash, after it."""
    instrument = faulty(task, "raise ValueError(1)")
    count, _ = instrument.events("booted")[-1]
    assert trigger(instrument) == (count + 1, ENUMS["reset_cause"]["crash"])
    expected = ENUMS["task"][task] | ENUMS["exception"]["value"] << 8
    failures = instrument.events("task_failed")
    assert {a for a, _ in failures} == {expected} and len({line for _, line in failures}) == 1
    assert len(failures) == 4
    instrument.next("housekeeping")
    assert instrument.events("crashed") == [(expected, failures[0][1])]
    resets = instrument.last("housekeeping")["consecutive_resets"]
    totals(f"{task} raises: 3 more steps, reset and report; consecutive resets: {resets}")
