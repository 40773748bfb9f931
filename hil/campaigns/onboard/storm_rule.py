# The storm rule in isolation, with simulated clock and counts: see test_storm_rule.py.
from array import array

from fsw.health.storm import Storm


class Acquisition:
    total = 0

    def events_since_boot(self):
        return self.total

    def set_integration(self, seconds):
        pass


class Parameters:
    def bind(self, *what):
        pass


def answer(line):
    path, step_us, rate, hold_s = line.split()
    now, changes, acquisition, step_us = 0, [], Acquisition(), int(step_us)
    storm = Storm(acquisition, Parameters(), lambda *report: changes.append(now // 1_000_000))
    storm.rate, storm.hold_us = int(rate), int(hold_s) * 1_000_000
    counts = array("I", bytes(4096))
    with open(path, "rb") as file:
        while True:
            n = file.readinto(counts) // 4
            if not n:
                return " ".join(map(str, changes))
            for i in range(n):
                now += step_us
                acquisition.total += counts[i]
                storm.step(now)
