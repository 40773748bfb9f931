# Wires the parts together; nothing else constructs them.
import os
import sys

from fsw import icd
from fsw.executive import Executive, Task
from fsw.health.modes import Modes
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
from fsw.pus.storage import Storage
from fsw.spectra.acquisition import Acquisition
from fsw.store.boot import BootRecord, OnBoardTime
from fsw.store.checkpoint import Checkpoint
from fsw.store.packets import SEGMENT, PacketStore
from fsw.store.slots import Slots


def run(board):
    """The instrument, until it resets. An exception that nothing else could deal with is put on record."""
    supervisor = Supervisor(board.watchdog)
    supervisor.begin()  # before anything that can fail: a start that does not succeed is tried again
    folder = kept(board.flash)
    boot_record = BootRecord(folder, board.reset_cause)
    app = None
    try:
        app = App(board, folder, supervisor, boot_record)
        app.run()
    except Exception as error:
        boot_record.crashed(app and app.failing(), error)
        board.reset(False)


class App:
    def __init__(self, board, folder, supervisor, boot_record):
        self._board = board
        self._boot_record = boot_record
        self._deframer = Deframer(icd.MAX_PACKET)
        time = OnBoardTime(board.clock, boot_record.time_us)
        telemetry = Telemetry(time, board.link)
        report = Events(telemetry).report
        self._acquisition = acquisition = Acquisition(board, report, time.start_us)
        self._slow_control = slow_control = SlowControl(board.slow_control, report)
        self._modes = modes = Modes(acquisition, slow_control, boot_record, report)
        self._checkpoint = checkpoint = Checkpoint(folder, acquisition, report, time.start_us)
        self._spectra = spectra = Spectra(acquisition, checkpoint, telemetry, board.link)
        self._store = store = PacketStore(
            folder + "/store",
            board.store_segments,
            boot_record.record,
            lambda errno: report(icd.EVENT_FLASH_FAILED, errno),
        )
        boot_record.follow(time, store)
        size = board.store_segments * SEGMENT
        self._storage = storage = Storage(store, checkpoint, boot_record, modes, spectra.closing, telemetry, size)
        telemetry.store = storage
        store.room, store.resend, store.done = board.link.room, telemetry.resend, storage.retrieved
        self._executive = executive = Executive(board, self._attention, supervisor.turn, report)

        self._parameters = parameters = Parameters(telemetry, self._set, Slots(folder + "/parameters"), modes)
        modes.parameters = parameters
        self._functions = Functions(acquisition, slow_control, modes, board.clock)
        services = {8: self._functions, 15: storage, 20: parameters}
        test, rates = optional("test"), optional("rates")
        if test:
            services[17] = test.Test(telemetry)
        self._router = Router(telemetry, services)
        housekeeping = Housekeeping(
            board,
            boot_record,
            manifest_id(board.flash),
            modes,
            acquisition,
            executive,
            self._router,
            self._deframer,
            slow_control,
            storage,
            telemetry,
            report,
        )
        #                          run                                period, budget, limit, all ms
        # a packet, and up to 32 pieces that USB takes all at once when its host reads again
        self._rates = Task(rates.Rates(acquisition, modes, telemetry).turn if rates else nothing, 5000, 7, 3000)
        self._housekeeping = Task(housekeeping.turn, 10000, 7, 3000)
        self._tasks = (
            Task(acquisition.turn, 0, 15, 3000),
            Task(self._commands, 0, 500, 3000),  # a parameter is written to flash: the longest erase takes 400 ms
            Task(spectra.turn, 0, 10, 3000),
            self._rates,
            self._housekeeping,
            Task(slow_control.turn, 500, 10, 3000),
            Task(storage.turn, 200, 500, 3000),
        )
        storage.task = self._tasks[-1]
        failed = parameters.apply_all() or slow_control.failed
        self._report_boot(report)
        if failed:
            report(icd.EVENT_SLOW_CONTROL_FAILED, failed)

    def _report_boot(self, report):
        """What the start found, and what follows from it."""
        record, parameters, modes = self._boot_record, self._parameters, self._modes
        report(icd.EVENT_BOOTED, record.count, record.reset_cause)
        if record.errno:
            report(icd.EVENT_FLASH_FAILED, record.errno)
        if record.damaged:
            report(icd.EVENT_BOOT_RECORD_DAMAGED, record.damaged)
        if record.crash:
            task, exception, line = record.crash
            report(icd.EVENT_CRASHED, task | exception << 8, line)
        if parameters.damaged:
            report(icd.EVENT_PARAMETERS_DAMAGED, parameters.damaged)
        if parameters.damaged == 2:
            modes.safe(icd.SAFE_REASON_PARAMETERS)
        elif record.in_row >= parameters.get(icd.P_RESET_LIMIT):
            modes.safe(icd.SAFE_REASON_RESETS)
        elif record.safe:
            modes.safe(icd.SAFE_REASON_COMMANDED)

    def run(self):
        """Never returns; raises what a task raised too often."""
        # The collector looks after 64 objects at a time; with more at hand it goes through the heap once more, 11 ms.
        # The modules of this table alone are 40. Everything is imported, and who uses a module has it.
        for name in list(sys.modules):
            if "." in name:
                del sys.modules[name]
        self._executive.begin(self._tasks)
        self._executive.run()

    def failing(self):
        """Number of the task that failed too often, or None."""
        return self._executive.failing

    def _attention(self):
        return self._acquisition.backlog() or self._spectra.waiting()

    def _commands(self, now):
        data = self._board.link.read()
        if not data:
            return False
        for packet in self._deframer.feed(data):
            self._router.handle(packet)
            if self._functions.restart is not None:
                self._end()
                self._board.reset(self._functions.restart == icd.FUNCTION_MAINTENANCE)
        return True  # there may be more

    def _end(self):
        """A reset that was commanded: what can be kept is kept."""
        if not self._modes.is_safe:
            try:
                if self._acquisition.running:
                    self._checkpoint.write()
                self._store.flush()
            except OSError:  # the next start tells what is missing
                pass
        self._boot_record.close()

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
        elif number <= icd.P_PULSER_RATE:
            self._slow_control.set(number, value)
        elif number == icd.P_STORAGE_PER_DAY:
            self._storage.set_budget(value)
        elif number == icd.P_STORAGE_DELAY:
            self._store.delay_us = 1_000_000 * value
        elif number == icd.P_CHECKPOINT_PERIOD:
            self._checkpoint.period_us = 1_000_000 * value
        elif number == icd.P_RESET_WINDOW:
            self._storage.quiet_us = 1_000_000 * value
        elif number != icd.P_RESET_LIMIT:  # which counts at boot
            self._acquisition.set_threshold(number - icd.P_THRESHOLD, value)

    def _comparators(self, front_mv, back_mv):
        self._slow_control.comparators(self._board.clock.us(), front_mv, back_mv)

    def _period(self, task, seconds):
        task.period_us = 1_000_000 * seconds
        task.due_us = self._board.clock.us()  # the new interval begins with a packet


def kept(flash):
    """The folder of what is written while flying: a folder grows with each write, and imports read the root's."""
    folder = flash + "/kept"
    try:
        os.mkdir(folder)
    except OSError:  # it is there, or the boot record tells that nothing can be written
        pass
    return folder


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
