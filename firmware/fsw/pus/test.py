# ST[17] test: the are-you-alive connection test.
from fsw import icd


class Test:
    def __init__(self, parts):
        self._telemetry = parts.telemetry

    def check(self, subtype):
        pass

    def execute(self, subtype):
        self._telemetry.send(icd.PONG)


service = Test  # constructed by app.py
