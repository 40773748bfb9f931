# The slow control task: detector bias, test pulser, analogue inputs. Two steps a second.
#
# Each step reads the analogue input converted since the last step and starts converting the next of four. The bias is
# changed only while a temperature is converted, so bias and leakage current are read when they are stable. This traffic
# keeps the bias on: hardware switches it off 2.5 s after the last transfer. With bias and pulser off, nine of ten steps
# do nothing. If no device accepts the command to switch the bias off, the bus stays silent and the hardware switches it
# off. The hardware also does so if no step runs for that long: then the bias trips, as renewed traffic would restore it
# without a ramp.
from array import array

from fsw import icd
from fsw.health.faults import Refused
from micropython import const

_BIAS = const(0)  # analogue inputs, as boards/slow_control.py numbers them
_LEAKAGE = const(1)
_TEMPERATURE_HEAD = const(2)  # 3: temperature of the electronics
_UNREAD = const(0xFFFFFFFF)
_NONE = const(-1)  # no conversion is under way
_STEP_MV = const(2500)  # two such steps every 2 s
# maximum deviation of a reading from the set level: at 100 V, 2 % for the DAC's reference and 3 % for everything else
_TOLERANCE_MV = const(5000)
_HELD_US = const(2_000_000)  # if steps are further apart, the hardware (2.5 s) may have switched the bias off
_DEBOUNCE = const(3)  # consecutive deviating readings, or steps without an answer, that trip the bias
_IDLE_STEPS = const(10)  # only one step in ten does anything while bias and pulser are off


class SlowControl:
    def __init__(self, devices, parameters, report):
        """devices: the board's slow_control, which has switched the bias off."""
        self._devices = devices
        self._report = report
        self._set = array("I", [0] * (icd.P_PULSER_RATE - icd.P_BIAS + 1))
        self.readings = array("I", [_UNREAD] * 4)  # mV, nA, 0.01 K, 0.01 K
        self.bias_state = icd.BIAS_STATE_OFF
        self.fired = self.errors = 0
        self._level_mv = 0
        self._pulsing = False
        self._converting = _NONE
        self._unanswered = self._deviations = self._idle_steps = self._stepped_us = 0
        parameters.bind(icd.P_BIAS, len(self._set), self, "set")

    # -- parameters and functions ------------------------------------------------------------------

    def set(self, number, value):
        """Set a parameter, P_BIAS to P_PULSER_RATE; it takes effect in the next step."""
        self._set[number - icd.P_BIAS] = value

    def _get(self, number):
        return self._set[number - icd.P_BIAS]

    def comparators(self, now, front_mv, back_mv):
        """Set the comparator thresholds. Raises OSError if the DAC does not answer or the bus must stay silent."""
        self._watch(now)
        self._devices.comparators(front_mv, back_mv)

    def check(self, function):
        """Raise Refused if the function cannot be performed; the devices are tested by sending their settings again."""
        if function == icd.FUNCTION_BIAS_ON and self._on():
            raise Refused(icd.FAILURE_WRONG_MODE, self.bias_state)
        failed = 0
        try:
            if function == icd.FUNCTION_BIAS_ON:
                self._devices.off(again=True)
                self._converting = _NONE
                self._devices.convert(_TEMPERATURE_HEAD)
            elif function == icd.FUNCTION_PULSER_ON:
                self._set_pulser()
        except OSError as error:
            failed = error.errno
        if failed:
            raise Refused(icd.FAILURE_SLOW_CONTROL, failed)

    def self_check(self):
        """Check, with the pulser off, that every device answers; return 0 or the errno."""
        try:
            self._set_pulser()
            self._converting = _NONE
            self._devices.convert(_TEMPERATURE_HEAD)
            self._converting = _TEMPERATURE_HEAD
        except OSError as error:
            return error.errno
        return 0

    def perform(self, function):
        """Perform a function, FUNCTION_BIAS_ON or above. Raises OSError if a device does not answer."""
        if function == icd.FUNCTION_BIAS_ON:
            self._devices.outputs(True, self._get(icd.P_PULSER_TARGET))
            self.bias_state = icd.BIAS_STATE_RAMPING
            self._unanswered = self._deviations = 0
        elif function == icd.FUNCTION_BIAS_OFF:
            level_mv, self._level_mv = self._level_mv, 0
            self.bias_state = icd.BIAS_STATE_OFF
            try:
                if not self._devices.silent:  # if silent, the hardware switches it off; traffic would prevent that
                    self._devices.off()
            finally:
                self._report(icd.EVENT_BIAS_OFF, level_mv, self.leakage_na())
        else:
            self._pulsing = function == icd.FUNCTION_PULSER_ON

    # -- the task ----------------------------------------------------------------------------------

    def step(self, now):
        self._watch(now)
        self._stepped_us = now
        if self._devices.silent:
            self._forget()
            return
        if not self._on() and not self._pulsing:
            self._idle_steps = (self._idle_steps + 1) % _IDLE_STEPS
            if self._idle_steps:
                return
        try:
            if self._pulsing:
                self._fire()
            self._read_input()
            if self._on() and self._converting >= _TEMPERATURE_HEAD:
                self._ramp()
            self._unanswered = 0
        except OSError as error:
            self._no_answer(error.errno)

    def leakage_na(self):
        return min(self.readings[_LEAKAGE], 0xFFFF)

    def _on(self):
        return self.bias_state == icd.BIAS_STATE_RAMPING or self.bias_state == icd.BIAS_STATE_ON

    def _watch(self, now):
        """Trip if the bus was silent long enough for the hardware to switch the bias off."""
        if self._on() and now - self._stepped_us > _HELD_US:
            self._trip()

    def _forget(self):
        for analogue_input in range(4):
            self.readings[analogue_input] = _UNREAD  # an old reading must not be reported

    def _read_input(self):
        analogue_input = self._converting
        following = _TEMPERATURE_HEAD
        if analogue_input != _NONE:
            self._converting = _NONE
            self.readings[analogue_input] = self._devices.reading(analogue_input)
            if self._on():
                self._judge(analogue_input)
            following = analogue_input + 1 & 3
        self._devices.convert(following)
        self._converting = following

    def _judge(self, analogue_input):
        if analogue_input == _LEAKAGE and self.readings[_LEAKAGE] > self._get(icd.P_LEAKAGE_LIMIT):
            self._trip()
        elif analogue_input == _BIAS:
            deviates = abs(self.readings[_BIAS] - self._level_mv) > _TOLERANCE_MV
            self._deviations = self._deviations + 1 if deviates else 0
            if self._deviations == _DEBOUNCE:
                self._trip()

    def _ramp(self):
        level, goal = self._level_mv, self._get(icd.P_BIAS)
        if level != goal:
            self.bias_state = icd.BIAS_STATE_RAMPING
            level = min(level + _STEP_MV, goal) if level < goal else max(level - _STEP_MV, goal)
            self._devices.bias(level)
            self._level_mv = level
        if level == goal and self.bias_state == icd.BIAS_STATE_RAMPING:
            self.bias_state = icd.BIAS_STATE_ON
            self._report(icd.EVENT_BIAS_REACHED, level, self.leakage_na())

    def ensure_off(self):
        """After an exception in switching the bias off: silence the bus if no device accepted it."""
        if not self._devices.is_off:
            self._devices.silent = True

    def _trip(self):
        self.bias_state = icd.BIAS_STATE_TRIPPED
        self._level_mv = 0
        try:
            self._devices.off()
        except Exception:
            self.errors += 1
            self.ensure_off()
        self._report(icd.EVENT_BIAS_TRIPPED, self.readings[_BIAS], self.leakage_na())

    def _no_answer(self, errno):
        self.errors += 1
        self._unanswered += 1
        self._forget()
        if self._unanswered == 1 and (self._on() or self._pulsing):
            self._report(icd.EVENT_SLOW_CONTROL_FAILED, errno, 0)
        if self._unanswered >= _DEBOUNCE and self._on():
            self._trip()

    # -- test pulser -------------------------------------------------------------------------------

    def _set_pulser(self):
        self._devices.pulse_height(self._get(icd.P_PULSER_AMPLITUDE))
        self._devices.outputs(self._on(), self._get(icd.P_PULSER_TARGET))

    def _fire(self):
        self._set_pulser()
        for _ in range(self._get(icd.P_PULSER_RATE)):
            self._devices.pulse()
            self.fired += 1
