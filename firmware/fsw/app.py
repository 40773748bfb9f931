# Constructs and connects the components; nothing else does. It runs once and is then released, so no reference
# to one of its functions may be kept.
import sys
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
from fsw.store.budget import Budget
from fsw.store.checkpoint import Checkpoint
from fsw.store.packets import SEGMENT, PacketStore
from fsw.store.segments import Segments
from fsw.store.slots import Slots
from micropython import const

_KEY_FILE = const(33)  # octets
_LARGEST = "fsw.icd"  # the module with the most objects


def optional():
    """Return (number, module) of each optional service (icd.toml, [optional]) installed on this board."""
    found = []
    for name, number in icd.OPTIONAL:
        try:
            found.append((number, __import__("fsw.pus." + name, None, None, (name,))))
        except ImportError:
            pass
    return found


OPTIONAL = optional()


def build(parts):
    """Construct all components that `parts` does not have yet, up to the executive with its tasks."""
    board, boot_record, failures = parts.board, parts.boot_record, parts.failures
    clock, link, kept = board.clock, board.link, parts.folder
    parts.time = time = OnBoardTime(clock, boot_record.time_us)
    segments = Segments(kept + "/store")
    parts.store = store = PacketStore(segments, board.store_segments, boot_record.record, failures, memory.stored)
    budget = Budget(store, boot_record)
    parts.telemetry = telemetry = Telemetry(time, link, budget, boot_record.origin)
    parts.events = events = Events(telemetry)
    parts.report = report = events.report
    verification = Verification(telemetry)
    slots = Slots(kept + "/parameters")
    parts.parameters = parameters = Parameters(telemetry, slots, boot_record, report, verification, failures, clock)
    parts.acquisition = acquisition = Acquisition(board, parameters, report, time)
    parts.slow_control = slow_control = SlowControl(board.slow_control, parameters, report)
    parts.storm = storm = Storm(acquisition, parameters, report)
    parts.checkpoint = checkpoint = Checkpoint(kept, acquisition, report, time, failures)
    boot_record.follow(time, store, checkpoint)
    parts.modes = modes = Modes(clock, acquisition, slow_control, parameters, boot_record, report)
    parts.authentication = authentication(board.flash, parts)
    spectra = Spectra(acquisition, checkpoint, modes, parameters, telemetry, link)
    size = board.store_segments * SEGMENT
    storage = Storage(
        budget, store, checkpoint, boot_record, parameters, failures, spectra.closing, link, telemetry, report, size
    )
    scan = Scan(acquisition, slow_control, parameters, modes, report)
    functions = Functions(acquisition, slow_control, modes, scan, telemetry, kept, board.code, report)
    time_service = Time(time, clock, boot_record, modes, parameters, telemetry, report)
    services = parts.services
    services.update({5: events, 8: functions, 9: time_service, 15: storage, 20: parameters, 128: spectra})
    parts.router = router = Router(verification, services)
    for number, module in OPTIONAL:
        services[number] = module.service(parts)
    parts.deframer = deframer = Deframer(icd.MAX_PACKET + icd.AUTHENTICATION_TRAILER)
    uplink = Uplink(link, deframer, parts.authentication, router, functions, parts.restart)
    housekeeping = Housekeeping(parts)
    rates = services.get(130)
    science = Structure((rates.rates, rates.line_rates) if rates else (), icd.P_RATES_PERIOD, parts.boot_record)
    structures = {icd.STRUCTURE_HEALTH: housekeeping.structure}
    if rates:
        structures[icd.STRUCTURE_SCIENCE] = science
    services[3] = Structures(structures, parameters)
    operated = [time_service, storm, functions] + [services.get(number) for number in (11, 12, 129)]
    operations = Group([part for part in operated if part is not None])  # an empty schedule is falsy
    allocation = board.allocation
    tasks = (
        #    run                  period, budget, limit, all ms
        Task(acquisition.step, 0, 5, 3000, allocation[icd.TASK_ACQUISITION], acquisition.wanted),
        # it may write a parameter to flash, where the longest erase takes 400 ms
        Task(uplink.step, 0, 500, 3000, allocation[icd.TASK_COMMANDS], uplink.wanted),
        Task(spectra.step, 250, 10, 3000, allocation[icd.TASK_SPECTRA], spectra.wanted),
        Task(science.step, 5000, 12, 3000, allocation[icd.TASK_RATES]),
        Task(housekeeping.step, 10000, 12, 3000, allocation[icd.TASK_HOUSEKEEPING]),
        Task(slow_control.step, 500, 10, 3000, allocation[icd.TASK_SLOW_CONTROL]),
        Task(storage.step, 500, 500, 3000, allocation[icd.TASK_STORAGE], storage.wanted),
        Task(operations.step, 250, 12, 3000, allocation[icd.TASK_OPERATIONS]),
    )
    parameters.bind(icd.P_RATES_PERIOD, 1, tasks[icd.TASK_RATES], "set_period")
    parameters.bind(icd.P_HOUSEKEEPING_PERIOD, 1, tasks[icd.TASK_HOUSEKEEPING], "set_period")
    parts.executive = Executive(board, parts.supervisor.step, report, tasks)


def authentication(folder, parts):
    """Return the authentication of telecommands, or None if the folder has no file `key`: then all are accepted."""
    try:
        with open(folder + "/key", "rb") as file:
            key = file.read(_KEY_FILE + 1)
    except OSError as error:
        if error.errno == ENOENT:
            return None
        key = b""  # the file exists but cannot be read: no telecommand is accepted
    from fsw.link.authentication import Authentication

    slots = Slots(parts.folder + "/counter")
    return Authentication(key, slots, parts.boot_record, parts.failures, parts.board.clock, parts.report)


def begin(parts):
    """Apply the parameters, report what was found at start-up and enter the mode that follows from it."""
    record, parameters, modes, report = parts.boot_record, parts.parameters, parts.modes, parts.report
    unbound = parameters.unbound(parts.services)
    failed = parameters.apply_all() or parts.board.slow_control.failed
    report(icd.EVENT_BOOTED, record.count, record.reset_cause)
    report(icd.EVENT_IDENTIFIED, parts.board.unique_id >> 32, parts.board.unique_id & 0xFFFFFFFF)
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
    if unbound is not None:
        report(icd.EVENT_PARAMETER_UNBOUND, unbound)
    if unbound is not None or parameters.damaged == 2:
        modes.safe(icd.SAFE_REASON_PARAMETERS)
    elif record.lost:
        modes.safe(icd.SAFE_REASON_BOOT_RECORD)
    elif record.consecutive_resets >= parameters.get(icd.P_RESET_LIMIT):
        modes.safe(icd.SAFE_REASON_RESETS)
    elif record.safe:
        modes.safe(icd.SAFE_REASON_COMMANDED)
    else:
        modes.enter(icd.MODE_STANDBY)
    if failed:
        report(icd.EVENT_SLOW_CONTROL_FAILED, failed)


def release(parts):
    """Release this module and every __init__: no module is imported and no class instantiated from here on."""
    for name in list(sys.modules):
        if "." in name:
            for item in sys.modules[name].__dict__.values():
                if isinstance(item, type) and hasattr(item, "__init__"):
                    try:
                        # deleting the attribute would not free it
                        item.__init__ = None  # pyright: ignore[reportAttributeAccessIssue]
                    except AttributeError:  # a built-in type
                        pass
    del sys.modules["fsw"].app, sys.modules["fsw.app"]  # pyright: ignore[reportAttributeAccessIssue] a module
    _set_order(parts)


def _set_order(parts):
    """Let the collector follow the modules one by one, then the components, and nothing else before them.

    It keeps a list of up to 64 objects that it has found but not yet followed, and scans the heap again if there are
    more, which doubles its time. A pair adds one to this list until all that its second item leads to has been
    followed. Without this order, a component leads to its class, this to its module, and so on, with other objects
    pending at each of these steps (`ram.pending` of `dorn bench`).
    """
    p = parts
    last = p.executive, p.router, p.services, p.authentication, p.modes, p.checkpoint, p.storm, p.slow_control
    first = p.acquisition, p.parameters, p.report, p.events, p.telemetry, p.store, p.time, p.failures
    for component in last + first + (p.boot_record, p.supervisor, p.board):
        memory.order = (memory.order, component)
    names = list(sys.modules)
    names.remove(_LARGEST)  # it must be the first one
    for name in names + [_LARGEST]:
        if "." in name:
            memory.order = (memory.order, sys.modules[name].__dict__)
            del sys.modules[name]
