# ST[130] rates: all counters since the last clear, and counts in the line regions.
from fsw import icd
from fsw.spectra import kernel as k
from fsw.spectra.lines import Lines


class Rates:
    def __init__(self, parts):
        self._acquisition = parts.acquisition
        self._lines = lines = Lines(self._acquisition)
        self._acquisition.follow(lines)
        parts.parameters.bind(icd.P_LINE_BELOW, icd.P_TRACKING - icd.P_LINE_BELOW + 1, lines, "set")
        self._telemetry = parts.telemetry

    def rates(self):
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

    def line_rates(self):
        lines, telemetry = self._lines, self._telemetry
        lines.update()
        telemetry.begin(icd.LINE_RATES, self._acquisition.real_us, lines.tracked())
        telemetry.halves(lines.counts, 0, len(lines.counts))
        telemetry.halves(lines.centroid, 0, len(lines.centroid))
        telemetry.end()


service = Rates  # constructed by app.py
