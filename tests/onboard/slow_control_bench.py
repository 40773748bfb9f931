# Bench for tests of fsw/health/slow_control.py, with simulated devices that log their calls.
from doubles import Devices, Reports
from fsw import icd
from fsw.health.slow_control import SlowControl
from kept_parameters import parameters

STEP_US = 500_000
UNREAD = 0xFFFFFFFF
BIAS, LEAKAGE, HEAD, ELECTRONICS = range(4)  # readings
TARGET, HEIGHT_MV, PULSES, LEAKAGE_LIMIT_NA = 19, 600, 2, 700  # parameters set; 19: front of unit 3


class Bench:
    """parameters: those of the firmware. follows: the bias reading equals the level that was set."""

    def __init__(self, goal_mv=40_000):
        self.devices, self.reports = Devices(), Reports()
        self.parameters = parameters(self.reports)
        self.control = SlowControl(self.devices, self.parameters, self.reports)
        for number, value in (
            (icd.P_BIAS, goal_mv),
            (icd.P_LEAKAGE_LIMIT, LEAKAGE_LIMIT_NA),
            (icd.P_PULSER_AMPLITUDE, HEIGHT_MV),
            (icd.P_PULSER_TARGET, TARGET),
            (icd.P_PULSER_RATE, PULSES),
        ):
            self.parameters.set(number, value)
        self.follows = True
        self.now = 0

    def step(self, n=1):
        """-> calls to the devices"""
        calls = []
        for _ in range(n):
            self.now += STEP_US
            self.control.step(self.now)
            taken = self.devices.taken()
            for what in taken:
                if self.follows and what[0] == "bias":
                    self.devices.readings[BIAS] = what[1]
            calls += taken
        return calls

    def command(self, function):
        """Check and perform a function, as the function service does."""
        self.control.check(function)
        self.control.perform(function)

    def on(self, goal_mv=5000):
        """Switch the bias on, wait until it reaches its level, and clear the reports."""
        self.parameters.set(icd.P_BIAS, goal_mv)
        self.command(icd.FUNCTION_BIAS_ON)
        self._until(lambda calls: self.control.bias_state == icd.BIAS_STATE_ON)
        self.reports.taken()

    def next_is(self, analogue_input):
        """Step until the next step will read this analogue input."""
        self._until(lambda calls: calls[-1:] == [("convert", analogue_input)])

    def _until(self, reached):
        for _ in range(200):
            if reached(self.step()):
                return
        raise AssertionError("condition not reached in 200 steps")
