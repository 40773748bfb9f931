# The supervisor: feeds the watchdog at the end of each whole cycle, only if every task completed a step within its own
# limit.
#
# It also ends a run. Bias off comes first, then each further step, whether or not earlier ones failed: no exception
# can keep the bias on or prevent the reset.
from fsw.health.faults import note_crash
from micropython import const

_WATCHDOG_MS = const(8000)
_NO_TASK = const(255)
_FOREVER_US = const(1 << 60)


class Supervisor:
    """begin() starts the watchdog; step() ends each whole cycle."""

    def __init__(self, watchdog):
        self._watchdog = watchdog

    def begin(self):
        self._watchdog.start(_WATCHDOG_MS)

    def step(self, now, tasks):
        for task in tasks:
            if now - task.done_us > task.period_us + task.limit_us:
                return  # not fed: the watchdog will reset the instrument
        self._watchdog.feed()


def restart(parts, maintenance):
    """Perform a commanded reset, saving what can be saved. Never returns."""
    bias_off(parts.board)
    parameters = parts.parameters
    steps = [parameters.finish]
    if not parts.boot_record.safe:
        steps = [parameters.flush, parameters.finish, parts.store.flush]
        if parts.acquisition.running:
            steps.insert(0, parts.checkpoint.write)
    steps.append(parts.boot_record.close)  # last, as no record number may be assigned after it
    for step in steps:
        try:
            step()
        except Exception:  # the next start reports what is missing
            pass
    reset(parts.board, maintenance)


def crash(board, boot_record, task, error):
    """End the run with an exception. task: number of the failed task, or None. boot_record: None if not constructed."""
    bias_off(board)
    try:
        if boot_record:
            boot_record.crashed(task, error)
        else:
            note_crash(board.scratch, _NO_TASK, 0, 1)
    except Exception:  # at least the reset is counted
        pass
    reset(board, False)


def bias_off(board):
    """Switch the bias off by command or, if no device accepts it, by bus silence."""
    devices = board.slow_control
    try:
        devices.off()
    except Exception:  # not only OSError
        if not devices.is_off:
            devices.silent = True


def reset(board, maintenance):
    """Never returns."""
    try:
        board.reset(maintenance)
    except Exception:
        pass
    while True:  # until the watchdog, no longer fed, resets the chip
        board.wait(_FOREVER_US, _never)


def _never():
    return False
