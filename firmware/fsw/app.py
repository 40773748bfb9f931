# Puts the parts together; nothing else constructs them. It is run once, and garbage afterwards (run.py): no function of
# it may stay in use.
from errno import ENOENT

from fsw import icd, memory
from fsw.executive import Executive, Group, Task
from fsw.health.modes import Modes
from fsw.health.slow_control import SlowControl
from fsw.health.storm import Storm
from fsw.link.frame import Deframer
from fsw.link.packet import Telemetry
from fsw.pus.events import Events
from fsw.pus.functions import Functions
from fsw.pus.housekeeping import Housekeeping, Structure, Structures
from fsw.pus.parameters import Parameters
from fsw.pus.router import Router, Uplink
from fsw.pus.spectra import Spectra
from fsw.pus.storage import Storage
from fsw.pus.time import Time
from fsw.pus.verification import Verification
from fsw.spectra.acquisition import Acquisition
from fsw.spectra.scan import Scan
from fsw.store.boot import OnBoardTime
from fsw.store.checkpoint import Checkpoint
from fsw.store.packets import SEGMENT, PacketStore
from fsw.store.segments import Segments
from fsw.store.slots import Slots
from micropython import const

_US = const(1_000_000)  # of a second
_TRAILER = const(13)  # octets of the authentication behind a packet
_KEY_FILE = const(33)  # octets


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


def build(parts):
    """Everything that `parts` has not yet, up to the executive with its tasks; the start is reported."""
    board, boot_record, failures = parts.board, parts.boot_record, parts.failures
    clock, link = board.clock, board.link
    parts.time = time = OnBoardTime(clock, boot_record.time_us)
    parts.telemetry = telemetry = Telemetry(time, link)
    parts.events = events = Events(telemetry)
    parts.report = report = events.report
    parts.acquisition = acquisition = Acquisition(board, report, time)
    parts.slow_control = slow_control = SlowControl(board.slow_control, report)
    parts.modes = modes = Modes(clock, acquisition, slow_control, boot_record, report)
    parts.storm = storm = Storm(acquisition, report)
    verification = Verification(telemetry)
    parts.parameters = parameters = Parameters(
        telemetry, Slots(parts.folder + "/parameters"), modes, report, verification, failures, clock
    )
    parts.checkpoint = checkpoint = Checkpoint(parts.folder, acquisition, report, time, failures)
    spectra = Spectra(acquisition, checkpoint, telemetry, link)
    segments = Segments(parts.folder + "/store")
    store = PacketStore(segments, board.store_segments, boot_record.record, failures, memory.stored)
    boot_record.follow(time, store, checkpoint)
    parts.authentication = authentication(board.flash, parts)
    parts.storage = storage = Storage(
        store,
        checkpoint,
        boot_record,
        parameters,
        failures,
        modes,
        spectra.closing,
        link,
        telemetry,
        report,
        board.store_segments * SEGMENT,
    )
    telemetry.store = storage
    parts.executive = executive = Executive(board, spectra.attention, parts.supervisor.turn, report)
    modes.parameters = parameters
    modes.scan = scan = Scan(acquisition, slow_control, parameters, telemetry, report)
    time_service = Time(time, clock, boot_record, modes, parameters, telemetry, report)
    functions = Functions(acquisition, slow_control, modes, parts.folder, board.code, report)
    services = parts.services
    services.update({5: events, 8: functions, 9: time_service, 15: storage, 20: parameters})
    parts.router = router = Router(verification, services)
    for number, module in OPTIONAL:
        services[number] = module.service(parts)
    parts.deframer = deframer = Deframer(icd.MAX_PACKET + _TRAILER)
    uplink = Uplink(link, deframer, parts.authentication, router, functions, parts.restart)
    housekeeping = Housekeeping(parts, manifest_id(board.flash))
    rates = services.get(130)
    science = Structure(rates.send if rates else None, icd.P_RATES_PERIOD)
    structures = {icd.STRUCTURE_HEALTH: housekeeping.structure}
    if rates:
        structures[icd.STRUCTURE_SCIENCE] = science
    services[3] = Structures(structures, parameters, clock)
    operated = [time_service, storm, scan] + [services.get(number) for number in (11, 12, 129)]
    operations = Group([part for part in operated if part is not None])  # an empty schedule counts as false
    executive.tasks = (
        #    run                  period, budget, limit, all ms; litter, octets
        Task(acquisition.turn, 0, 15, 3000, 0),
        Task(uplink.turn, 0, 500, 3000, 6000),  # a parameter is written to flash: the longest erase takes 400 ms
        # a packet, and up to 32 pieces that USB takes all at once when its host reads again
        Task(spectra.turn, 50, 10, 3000, 1700),
        Task(science.turn, 5000, 12, 3000, 2400),
        Task(housekeeping.turn, 10000, 12, 3000, 2000),
        Task(slow_control.turn, 500, 10, 3000, 400),
        Task(storage.turn, 200, 500, 3000, 400),
        Task(operations.turn, 250, 12, 3000, 600),
    )
    spectra.task = executive.tasks[icd.TASK_SPECTRA]
    storage.task = executive.tasks[icd.TASK_STORAGE]
    bind(parts, store, scan, time_service, spectra)
    failed = parameters.apply_all() or board.slow_control.failed
    report_boot(parts, report)
    if failed:
        report(icd.EVENT_SLOW_CONTROL_FAILED, failed)


def authentication(folder, parts):
    """Of telecommands, if there is a file `key` in the folder; None: every telecommand is let in."""
    try:
        with open(folder + "/key", "rb") as file:
            key = file.read(_KEY_FILE + 1)
    except OSError as error:
        if error.errno == ENOENT:
            return None
        key = b""  # there is one, and it cannot be read
    from fsw.link.authentication import Authentication

    return Authentication(key, parts.folder, parts.boot_record, parts.failures, parts.board.clock, parts.report)


def bind(parts, store, scan, time_service, spectra):
    """Who answers for which parameter."""
    storm, tasks, services, bind = parts.storm, parts.executive.tasks, parts.services, parts.parameters.bind
    for number, part, attribute, factor in (
        (icd.P_STORAGE_DELAY, store, "delay_us", _US),
        (icd.P_CHECKPOINT_PERIOD, parts.checkpoint, "period_us", _US),
        (icd.P_RESET_WINDOW, parts.storage, "quiet_us", _US),
        (icd.P_TIME_INTERVAL, time_service, "interval_us", _US),
        (icd.P_STORM_RATE, storm, "rate", 1),
        (icd.P_STORM_HOLD, storm, "hold_us", _US),
        (icd.P_SCAN_FROM, scan, "first_mv", 1),
        (icd.P_SCAN_STEP, scan, "step_mv", 1),
        (icd.P_SCAN_STEPS, scan, "steps", 1),
        (icd.P_SCAN_DWELL, scan, "dwell_s", 1),
        (icd.P_COMPRESSION, spectra, "compression", 1),
    ):
        bind(number, 1, part, attribute, factor)
    for first, count, part, method in (
        (icd.P_INTEGRATION_TIME, 1, storm, "set_integration"),
        (icd.P_STORM_INTEGRATION, 1, storm, "set_integration"),
        (icd.P_RATES_PERIOD, 1, tasks[icd.TASK_RATES], "set_period"),
        (icd.P_HOUSEKEEPING_PERIOD, 1, tasks[icd.TASK_HOUSEKEEPING], "set_period"),
        (icd.P_DETECTORS_ON, 1, parts.acquisition, "set_parameter"),
        (icd.P_THRESHOLD, icd.DETECTORS, parts.acquisition, "set_parameter"),
        (icd.P_COMPARATOR_FRONT, 2, scan, "set_comparator"),
        (icd.P_BIAS, icd.P_PULSER_RATE - icd.P_BIAS + 1, parts.slow_control, "set"),
        (icd.P_STORAGE_PER_DAY, 1, parts.storage, "set_budget"),
    ):
        bind(first, count, part, method)
    if 12 in services:
        bind(icd.P_MONITOR_INTERVAL, 1, services[12], "interval_us", _US)
    if 129 in services:
        bind(icd.P_QUOTA, 4, services[129], "set_quota")
    if 130 in services:
        bind(icd.P_LINE_BELOW, icd.P_TRACKING - icd.P_LINE_BELOW + 1, services[130].lines, "set")


def report_boot(parts, report):
    """What the start found, and what follows from it."""
    record, parameters, modes = parts.boot_record, parts.parameters, parts.modes
    report(icd.EVENT_BOOTED, record.count, record.reset_cause)
    if record.damaged or record.lost:
        report(icd.EVENT_BOOT_RECORD_DAMAGED, 2 if record.lost else record.damaged)
    if record.crash:
        task, exception, line = record.crash
        report(icd.EVENT_CRASHED, task | exception << 8, line)
        record.reported()
    if parts.authentication:
        parts.authentication.report()
    if parameters.damaged:
        report(icd.EVENT_PARAMETERS_DAMAGED, parameters.damaged)
    if parameters.damaged == 2:
        modes.safe(icd.SAFE_REASON_PARAMETERS)
    elif record.lost:
        modes.safe(icd.SAFE_REASON_BOOT_RECORD)
    elif record.in_row >= parameters.get(icd.P_RESET_LIMIT):
        modes.safe(icd.SAFE_REASON_RESETS)
    elif record.safe:
        modes.safe(icd.SAFE_REASON_COMMANDED)
    else:
        modes.enter(icd.MODE_STANDBY)


def manifest_id(flash):
    """The id of what was put onto this board, 8 hex digits at the begin of the file `manifest`; 0 without one."""
    try:
        with open(flash + "/manifest") as f:
            return int(f.read(8), 16)
    except (OSError, ValueError):
        return 0
