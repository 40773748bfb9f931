# Wires the parts together; nothing else constructs them.
import os
import sys

from fsw import icd, memory
from fsw.executive import Executive, Task
from fsw.health.modes import Modes
from fsw.health.self_test import self_test
from fsw.health.slow_control import SlowControl
from fsw.health.storm import Storm
from fsw.health.supervisor import Supervisor
from fsw.link.authentication import TRAILER, Authentication
from fsw.link.frame import Deframer
from fsw.link.packet import Refused, Telemetry
from fsw.pus.events import Events
from fsw.pus.functions import Functions
from fsw.pus.housekeeping import Housekeeping, Structure, Structures
from fsw.pus.parameters import Parameters
from fsw.pus.router import Router
from fsw.pus.spectra import Spectra
from fsw.pus.storage import Storage
from fsw.pus.time import Time
from fsw.spectra.acquisition import Acquisition
from fsw.spectra.scan import Scan
from fsw.store.boot import BootRecord, OnBoardTime
from fsw.store.checkpoint import Checkpoint
from fsw.store.packets import SEGMENT, PacketStore
from fsw.store.slots import Slots
from micropython import const

_US = const(1_000_000)  # of a second


def optional():
    """The services that are on this board, of those that can be left out (icd.toml, [optional]): (number, module)"""
    found = []
    for name, number in icd.OPTIONAL:
        try:
            found.append((number, __import__("fsw.pus." + name, None, None, (name,))))
        except ImportError:
            pass
    return found


OPTIONAL = optional()


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
    """Its parts are there for the services that are made with it."""

    def __init__(self, board, folder, supervisor, boot_record):
        self.board = board
        self.boot_record = boot_record
        self._received = None  # packets of what was read last that are still to be handled
        self._answered_us = 0  # when the link had room last
        self.authentication = Authentication(board.flash, folder)
        self.deframer = Deframer(icd.MAX_PACKET + TRAILER)
        self.time = time = OnBoardTime(board.clock, boot_record.time_us)
        self.telemetry = telemetry = Telemetry(time, board.link)
        self.events = events = Events(telemetry)
        self.report = report = events.report
        self.acquisition = acquisition = Acquisition(board, report, time)
        self.slow_control = slow_control = SlowControl(board.slow_control, report)
        self.modes = modes = Modes(board.clock, acquisition, slow_control, boot_record, report)
        self.storm = Storm(acquisition, report)
        self._checkpoint = checkpoint = Checkpoint(folder, acquisition, report, time.start_us)
        self._spectra = spectra = Spectra(acquisition, checkpoint, telemetry, board.link)
        store = PacketStore(
            folder + "/store",
            board.store_segments,
            boot_record.record,
            lambda errno: report(icd.EVENT_FLASH_FAILED, errno),
            memory.stored,
        )
        boot_record.follow(time, store)
        size = board.store_segments * SEGMENT
        self.storage = storage = Storage(store, checkpoint, boot_record, modes, spectra.closing, telemetry, size)
        telemetry.store = storage
        store.room, store.resend, store.done = board.link.room, telemetry.resend, storage.retrieved
        self.executive = Executive(board, self._attention, supervisor.turn, report)
        self.parameters = parameters = Parameters(telemetry, self._set, Slots(folder + "/parameters"), modes, report)
        modes.parameters = parameters
        modes.scan = scan = Scan(acquisition, self._comparators, telemetry, report)
        self._time_service = Time(time, board.clock, boot_record, parameters, telemetry, report)
        self._functions = Functions(
            acquisition,
            slow_control,
            modes,
            lambda: self_test(folder, board.code, slow_control, report),
        )
        self._services = services = {
            5: events,
            8: self._functions,
            9: self._time_service,
            15: storage,
            20: parameters,
        }
        self.router = Router(telemetry, services)
        for number, module in OPTIONAL:
            services[number] = module.service(self)
        rates = services.get(130)
        housekeeping = Housekeeping(self, manifest_id(board.flash))
        science = Structure(rates.send if rates else nothing, icd.P_RATES_PERIOD)
        structures = {icd.STRUCTURE_HEALTH: housekeeping.structure}
        if rates:
            structures[icd.STRUCTURE_SCIENCE] = science
        services[3] = Structures(structures, parameters, board.clock)
        parts = [self._time_service, self.storm, scan] + [self.service(number) for number in (11, 12, 129)]
        self._operated = [part for part in parts if part is not None]  # an empty schedule counts as false
        #                          run                                period, budget, limit, all ms; litter, octets
        # a packet, and up to 32 pieces that USB takes all at once when its host reads again
        self._spectra_task = Task(spectra.turn, 50, 10, 3000, 1700)
        self._rates = Task(science.turn, 5000, 12, 3000, 2400)
        self._housekeeping = Task(housekeeping.turn, 10000, 12, 3000, 2000)
        self._tasks = (
            Task(acquisition.turn, 0, 15, 3000, 0),
            Task(self._commands, 0, 500, 3000, 6000),  # a parameter is written to flash: the longest erase takes 400 ms
            self._spectra_task,
            self._rates,
            self._housekeeping,
            Task(slow_control.turn, 500, 10, 3000, 400),
            Task(storage.turn, 200, 500, 3000, 400),
            Task(self._operate, 250, 12, 3000, 600),
        )
        storage.task = self._tasks[icd.TASK_STORAGE]
        self._plain = self._plain_parameters()
        failed = parameters.apply_all() or slow_control.failed
        self._report_boot(report)
        if failed:
            report(icd.EVENT_SLOW_CONTROL_FAILED, failed)

    def service(self, number):
        """An optional service, or None."""
        return self._services.get(number)

    def _report_boot(self, report):
        """What the start found, and what follows from it."""
        record, parameters, modes = self.boot_record, self.parameters, self.modes
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
        else:
            modes.enter(icd.MODE_STANDBY)

    def run(self):
        """Never returns; raises what a task raised too often."""
        # The collector looks after 64 objects at a time; with more at hand it goes through the heap once more, 11 ms.
        # The modules of this table alone are 40. Everything is imported, and who uses a module has it.
        for name in list(sys.modules):
            if "." in name:
                del sys.modules[name]
        self.executive.begin(self._tasks)
        self.executive.run()

    def failing(self):
        """Number of the task that failed too often, or None."""
        return self.executive.failing

    # -- tasks -------------------------------------------------------------------------------------

    def _attention(self):
        if self._spectra.waiting():
            self._spectra_task.due_us = 0
            return True
        return self.acquisition.backlog()

    def _commands(self, now):
        more = self.router.handle_released()  # and the link in any case: events may release what leads to them
        self._restart()
        link = self.board.link
        if self._received is None:
            data = link.read()
            if not data:
                return more
            self._received = self.deframer.feed(data)
            self._answered_us = now
        if link.room():
            self._answered_us = now
        elif now - self._answered_us < _US:  # telecommands wait until there is room for what answers them
            return more
        for content in self._received:
            try:
                self.router.handle(self.authentication.open(content))
            except Refused as refusal:
                self.router.refuse(content, *refusal.args)
            self._restart()
            if not link.room():
                return more
        self._received = None
        return True  # there may be more

    def _operate(self, now):
        for part in self._operated:
            part.turn(now)

    def _restart(self):
        """If a telecommand wants it: what can be kept is kept."""
        if self._functions.restart is None:
            return
        if not self.modes.is_safe:
            try:
                if self.acquisition.running:
                    self._checkpoint.write()
                self.storage.store.flush()
            except OSError:  # the next start tells what is missing
                pass
        self.boot_record.close()
        self.board.reset(self._functions.restart == icd.FUNCTION_MAINTENANCE)

    # -- parameters --------------------------------------------------------------------------------

    def _plain_parameters(self):
        """number -> (object, attribute, factor), of those that are no more than a value somewhere."""
        store, storage, storm, scan = self.storage.store, self.storage, self.storm, self.modes.scan
        plain = {
            icd.P_STORAGE_DELAY: (store, "delay_us", _US),
            icd.P_CHECKPOINT_PERIOD: (self._checkpoint, "period_us", _US),
            icd.P_RESET_WINDOW: (storage, "quiet_us", _US),
            icd.P_TIME_INTERVAL: (self._time_service, "interval_us", _US),
            icd.P_STORM_RATE: (storm, "rate", 1),
            icd.P_STORM_HOLD: (storm, "hold_us", _US),
            icd.P_SCAN_FROM: (scan, "first_mv", 1),
            icd.P_SCAN_STEP: (scan, "step_mv", 1),
            icd.P_SCAN_STEPS: (scan, "steps", 1),
            icd.P_SCAN_DWELL: (scan, "dwell_s", 1),
            icd.P_COMPRESSION: (self._spectra, "compression", 1),
        }
        monitoring = self.service(12)
        if monitoring:
            plain[icd.P_MONITOR_INTERVAL] = (monitoring, "interval_us", _US)
        return plain

    def _set(self, number, value):
        """A parameter takes effect; OSError if slow control does not answer."""
        if number in self._plain:
            part, attribute, factor = self._plain[number]
            setattr(part, attribute, factor * value)
        elif number == icd.P_INTEGRATION_TIME:
            self.storm.set_integration(value)
        elif number == icd.P_RATES_PERIOD:
            self._period(self._rates, value)
        elif number == icd.P_HOUSEKEEPING_PERIOD:
            self._period(self._housekeeping, value)
        elif number == icd.P_DETECTORS_ON:
            self.acquisition.set_detectors(value)
        elif number == icd.P_COMPARATOR_FRONT or number == icd.P_COMPARATOR_BACK:
            if not self.modes.scan.running():  # else they are set when it ends
                front = number == icd.P_COMPARATOR_FRONT
                other = self.parameters.get(icd.P_COMPARATOR_BACK if front else icd.P_COMPARATOR_FRONT)
                self._comparators(*((value, other) if front else (other, value)))
        elif number <= icd.P_PULSER_RATE:
            self.slow_control.set(number, value)
        elif number == icd.P_STORAGE_PER_DAY:
            self.storage.set_budget(value)
        elif icd.P_THRESHOLD <= number < icd.P_THRESHOLD + icd.DETECTORS:
            self.acquisition.set_threshold(number - icd.P_THRESHOLD, value)
        elif number == icd.P_STORM_INTEGRATION:
            self.storm.integration_s = value
            self.storm.apply()
        else:
            self._set_optional(number, value)

    def _set_optional(self, number, value):
        """Of a service that may have been left out; or `reset_limit`, which counts at boot."""
        event_list, rates = self.service(129), self.service(130)
        if icd.P_QUOTA <= number < icd.P_QUOTA + 4 and event_list:
            event_list.quota[number - icd.P_QUOTA] = value
        elif icd.P_LINE_BELOW <= number <= icd.P_TRACKING and rates:
            rates.lines.set(number, value)

    def _comparators(self, front_mv=None, back_mv=None):
        """Set both; without levels as the parameters say."""
        if front_mv is None:
            front_mv = self.parameters.get(icd.P_COMPARATOR_FRONT)
            back_mv = self.parameters.get(icd.P_COMPARATOR_BACK)
        self.slow_control.comparators(self.board.clock.us(), front_mv, back_mv)

    def _period(self, task, seconds):
        task.period_us = _US * seconds
        task.due_us = self.board.clock.us()  # the new interval begins with a packet


def kept(flash):
    """The folder of what is written while flying: a folder grows with each write, and imports read the root's."""
    folder = flash + "/kept"
    try:
        os.mkdir(folder)
    except OSError:  # it is there, or the boot record tells that nothing can be written
        pass
    return folder


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
