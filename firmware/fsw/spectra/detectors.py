# The detectors: which are enabled, and their thresholds. A detector whose line stays high is switched off.
from array import array

from fsw import icd
from fsw.spectra import kernel as k
from micropython import const

_DEBOUNCE = const(3)  # consecutive times a line is found high at the pass limit before it is switched off


class Detectors:
    """mask: bit d: detector d is enabled. thresholds: per detector, ADC codes as used by the kernel, array("H").
    pass_limit_reached: events that ended with a line still high.
    """

    def __init__(self, builder, parameters, report):
        self.mask = 0xFFFF
        self.thresholds = array("H", bytes(2 * icd.DETECTORS))
        self.pass_limit_reached = 0
        self._set_thresholds = array("H", self.thresholds)
        self._found_high = bytearray(icd.DETECTORS)
        self._builder = builder
        self._running = False
        self._report = report
        parameters.bind(icd.P_DETECTORS_ON, 1, self, "set_mask")
        parameters.bind(icd.P_THRESHOLD, icd.DETECTORS, self, "set_threshold")

    def start(self):
        """Start the event builder with the enabled detectors."""
        self._builder.start(self.mask)
        self._running = True

    def stop(self):
        """Disable all triggers at once; return the time at which that took effect, us, 32 bits."""
        self._running = False
        return self._builder.enable(0)

    def set_threshold(self, number, code):
        """Set the threshold of a detector (parameter)."""
        d = number - icd.P_THRESHOLD
        self._set_thresholds[d] = code
        if self.mask >> d & 1:
            self.thresholds[d] = code

    def set_mask(self, number, mask):
        """Set the mask (parameter); it takes effect at once if the event builder runs."""
        self.mask = mask
        for d in range(icd.DETECTORS):
            self.thresholds[d] = self._set_thresholds[d] if mask >> d & 1 else k.OFF
        if self._running:
            self._builder.enable(mask)

    def stuck(self, events):
        """Count `events` that ended with a line still high; switch off detectors whose line is repeatedly high."""
        self.pass_limit_reached += events
        lines = self._builder.lines()
        for d in range(icd.DETECTORS):
            if not lines >> d & 1:
                self._found_high[d] = 0
                continue
            self._found_high[d] += 1
            if self._found_high[d] == _DEBOUNCE:
                self._found_high[d] = 0
                self.set_mask(icd.P_DETECTORS_ON, self.mask & ~(1 << d))
                self._report(icd.EVENT_DETECTOR_OFF, d, _DEBOUNCE)
