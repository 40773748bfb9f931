# ST[130] rates: everything counted since the last clear.
from fsw import icd
from fsw.spectra import kernel as k


class Rates:
    def __init__(self, acquisition, modes, telemetry):
        self._acquisition = acquisition
        self._modes = modes
        self._telemetry = telemetry

    def turn(self, now):
        if self._modes.is_safe:
            return
        a = self._acquisition
        s = a.state
        telemetry = self._telemetry
        telemetry.begin(
            icd.RATES,
            a.real_us,
            a.live_us(),
            a.gap_us,
            a.n_events() & 0xFFFFFFFF,
            s[k.FRONT],
            s[k.BACK],
            s[k.FRONT_BACK],
            s[k.SEVERAL],
            s[k.NONE],
            a.passes & 0xFFFFFFFF,
            a.overrun_hits & 0xFFFFFFFF,
        )
        telemetry.words(a.counters, 0, 64)
        telemetry.end()
