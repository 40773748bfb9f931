# Wires the parts together; nothing else constructs them.
import os

from fsw import icd
from fsw.executive import Executive, Task
from fsw.health.slow_control import SlowControl
from fsw.health.supervisor import Supervisor
from fsw.link.frame import Deframer
from fsw.link.packet import Telemetry
from fsw.pus.events import Events
from fsw.pus.functions import Functions
from fsw.pus.housekeeping import Housekeeping
from fsw.pus.parameters import Parameters
from fsw.pus.router import Router
from fsw.pus.spectra import Spectra
from fsw.spectra.acquisition import Acquisition


class App:
    def __init__(self, board):
        self._board = board
        self._deframer = Deframer(icd.MAX_PACKET)
        telemetry = Telemetry(board.clock, board.link)
        report = Events(telemetry).report
        self._acquisition = acquisition = Acquisition(board, report)
        self._supervisor = Supervisor(board.watchdog)
        self._supervisor.begin()  # before anything that can fail: a start that does not succeed is tried again
        self._spectra = spectra = Spectra(acquisition, telemetry, board.link)
        self._executive = executive = Executive(board, self._attention, self._supervisor.turn, report)

        self._slow_control = slow_control = SlowControl(board.slow_control, report)
        self._parameters = parameters = Parameters(telemetry, self._set)
        self._functions = Functions(acquisition, slow_control, board.clock)
        services = {8: self._functions, 20: parameters}
        test, rates = optional("test"), optional("rates")
        if test:
            services[17] = test.Test(telemetry)
        self._router = Router(telemetry, services)
        boot_count, flash_error = count_boot(board.flash)
        housekeeping = Housekeeping(
            board,
            boot_count,
            manifest_id(board.flash),
            acquisition,
            executive,
            self._router,
            self._deframer,
            slow_control,
            telemetry,
        )
        #                          run                                period, budget, limit, all ms
        # a packet, and up to 32 pieces that USB takes all at once when its host reads again
        self._rates = Task(rates.Rates(acquisition, telemetry).turn if rates else nothing, 5000, 7, 3000)
        self._housekeeping = Task(housekeeping.turn, 10000, 7, 3000)
        self._tasks = (
            Task(acquisition.turn, 0, 15, 3000),
            Task(self._commands, 0, 15, 3000),
            Task(spectra.turn, 0, 10, 3000),
            self._rates,
            self._housekeeping,
            Task(slow_control.turn, 500, 10, 3000),
        )
        failed = slow_control.failed
        for first, count, _, _, default in icd.PARAMETERS:
            for number in range(first, first + count):
                try:
                    self._set(number, default)
                except OSError as error:  # slow control does not answer: the instrument works without
                    failed = error.errno
        report(icd.EVENT_BOOTED, boot_count, board.reset_cause)
        if flash_error:
            report(icd.EVENT_FLASH_FAILED, flash_error)
        if failed:
            report(icd.EVENT_SLOW_CONTROL_FAILED, failed)

    def run(self):
        """Never returns."""
        self._executive.begin(self._tasks)
        self._executive.run()

    def _attention(self):
        return self._acquisition.backlog() or self._spectra.waiting()

    def _commands(self, now):
        data = self._board.link.read()
        if not data:
            return False
        for packet in self._deframer.feed(data):
            self._router.handle(packet)
            if self._functions.restart is not None:
                self._board.reset(self._functions.restart == icd.FUNCTION_MAINTENANCE)
        return True  # there may be more

    def _set(self, number, value):
        """A parameter takes effect; OSError if slow control does not answer."""
        if number == icd.P_INTEGRATION_TIME:
            self._acquisition.set_integration(value)
        elif number == icd.P_RATES_PERIOD:
            self._period(self._rates, value)
        elif number == icd.P_HOUSEKEEPING_PERIOD:
            self._period(self._housekeeping, value)
        elif number == icd.P_DETECTORS_ON:
            self._acquisition.set_detectors(value)
        elif number == icd.P_COMPARATOR_FRONT:
            self._comparators(value, self._parameters.get(icd.P_COMPARATOR_BACK))
        elif number == icd.P_COMPARATOR_BACK:
            self._comparators(self._parameters.get(icd.P_COMPARATOR_FRONT), value)
        elif number < icd.P_THRESHOLD:
            self._slow_control.set(number, value)
        else:
            self._acquisition.set_threshold(number - icd.P_THRESHOLD, value)

    def _comparators(self, front_mv, back_mv):
        self._slow_control.comparators(self._board.clock.us(), front_mv, back_mv)

    def _period(self, task, seconds):
        task.period_us = 1_000_000 * seconds
        task.due_us = self._board.clock.us()  # the new interval begins with a packet


def optional(name):
    """The module of a service that can be left out of a board (icd.toml, [optional]); None where it is."""
    try:
        return __import__("fsw.pus." + name, None, None, (name,))
    except ImportError:
        return None


def nothing(now):
    """In place of the task of a service that was left out."""
    return False


def manifest_id(flash):
    """The id of what was put onto this board, 8 hex digits at the begin of the file `manifest`; 0 without one."""
    try:
        with open(flash + "/manifest") as f:
            return int(f.read(8), 16)
    except (OSError, ValueError):
        return 0


def count_boot(flash):
    """Boots so far, this one counted, and the errno if that could not be written.

    A new file replaces the old one as a whole: power may fail at any time.
    """
    path = flash + "/boot"
    try:
        with open(path) as f:
            count = int(f.read())
    except (OSError, ValueError):
        count = 0
    try:
        with open(path + ".new", "w") as f:
            f.write(str(count + 1))
        os.rename(path + ".new", path)
    except OSError as error:  # an instrument that cannot count its boots still measures
        return count + 1, error.errno
    return count + 1, 0
