# The services (fsw/pus) with test doubles of the components that they command: see support/services.py.
import gc

from fsw import icd
from fsw.health.modes import Modes
from fsw.health.faults import Refused
from fsw.link.packet import Telemetry
from fsw.pus.events import Events
from fsw.pus.functions import Functions
from fsw.pus.parameters import Parameters
from fsw.pus.router import Router
from fsw.pus.storage import Storage
from fsw.store.budget import Budget
from fsw.pus.test import Test
from fsw.pus.verification import Verification


class Clock:
    now_us = 0

    def us(self):
        return self.now_us


class Failures:
    count = 0

    def note(self, error):
        self.count += 1

    def step(self, now, report):
        pass


class App:
    pass


class Link:
    def __init__(self):
        self.sent = []

    def write(self, view):
        self.sent.append(bytes(view).hex())
        return True

    def room(self):
        return True


class Acquisition:
    clock = Clock()
    running = False
    waiting = None

    def to_close(self):
        return self.waiting

    cleared = 0

    def start(self):
        events.report(icd.EVENT_ACQUISITION_STARTED, -1, 1 << 40 | 5)
        self.running = True

    def stop(self):
        self.running = False

    def clear(self):
        self.cleared += 1
        if self.cleared > 1:
            raise OSError(5)


class SlowControl:
    def check(self, function):
        if function == icd.FUNCTION_BIAS_ON:
            raise Refused(icd.FAILURE_SLOW_CONTROL, 5)

    def perform(self, function):
        changes.append((-1, function))

    def ensure_off(self):
        pass


class Scan:
    def abort(self):
        pass


class NoStore:
    def number(self, priority):
        return 0


class Slots:
    bad = 0
    saved = None
    fails = False

    def load(self):
        return self.saved

    def save(self, data):
        if self.fails:
            raise OSError(28)
        self.saved = bytes(data)


class Segments:
    numbers, bytes, bad = (), 4096, 1

    def after(self, number):
        return 0


class Store:
    first, last, next, dropped, missed, pending = 1, 5, 7, 3, 2, 0
    segments = Segments()

    def take_number(self):
        return 7

    def append(self, frame):
        changes.append(("append", len(frame)))

    def step(self, now):
        return False

    def __getattr__(self, name):
        return lambda *values: changes.append((name,) + values)


class BootRecord:
    consecutive_resets = safe = 0

    def check_not_safe(self):
        if self.safe:
            raise Refused(icd.FAILURE_WRONG_MODE, icd.MODE_SAFE)

    def keep(self, write=False):
        return False


class Checkpoint:
    def step(self, now, closing, stored):
        return False


class Bound:
    def apply(self, number, value):
        changes.append((number, value))
        if value == 666:
            raise ValueError


def new():
    global link, events, acquisition, changes, parameters, router, modes, slots, storage, budget, failures
    link = events = acquisition = parameters = router = modes = slots = storage = budget = failures = None
    gc.collect()  # free the previous set first: a parameter table needs 20 kB of contiguous memory
    Clock.now_us = 0
    link, acquisition, changes = Link(), Acquisition(), []
    telemetry = Telemetry(Clock(), link, NoStore(), 0)
    events = Events(telemetry)
    slots, boot_record, slow_control = Slots(), BootRecord(), SlowControl()
    failures, verification = Failures(), Verification(telemetry)
    parameters = Parameters(telemetry, slots, boot_record, events.report, verification, failures, Clock())
    modes = Modes(acquisition.clock, acquisition, slow_control, parameters, boot_record, events.report)
    modes.enter(icd.MODE_STANDBY)
    store = Store()
    budget = Budget(store, boot_record)
    storage = Storage(
        budget,
        store,
        Checkpoint(),
        boot_record,
        parameters,
        failures,
        lambda: False,
        link,
        telemetry,
        events.report,
        1 << 20,
    )
    functions = Functions(acquisition, slow_control, modes, Scan(), telemetry, "", "", events.report)
    App.telemetry = telemetry
    parameters.bind(0, 1000, Bound(), "apply")
    services = {5: events, 8: functions, 15: storage, 17: Test(App), 20: parameters}
    router = Router(verification, services)


def handle(packet):
    link.sent.clear()
    router.handle(packet)
    return link.sent


def report(name, *values):
    link.sent.clear()
    events.report(getattr(icd, name), *values)
    return link.sent


def answer(line):
    return repr(eval(line))
