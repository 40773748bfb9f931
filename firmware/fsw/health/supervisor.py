# The supervisor: feeds the watchdog, last in a cycle, and only if every task completed a step within its own limit.
#
# And the end of a run. Bias off comes first, then everything else, each whatever became of the one before: no exception
# keeps the bias on, or the instrument from its reset.
from fsw.health.faults import note_crash
from micropython import const

_WATCHDOG_MS = const(8000)
_NO_TASK = const(255)
_FOREVER_US = const(1 << 60)


class Supervisor:
    """begin() starts the watchdog; step() is the end of each cycle."""

    def __init__(self, watchdog):
        self._watchdog = watchdog

    def begin(self):
        self._watchdog.start(_WATCHDOG_MS)

    def step(self, now, tasks):
        for task in tasks:
            if now - task.done_us > task.period_us + task.limit_us:
                return  # not fed: the watchdog resets the instrument within its time
        self._watchdog.feed()


def restart(parts, maintenance):
    """A reset that was commanded: what can be kept is kept. Never returns."""
    bias_off(parts.board)
    parameters = parts.parameters
    steps = [parameters.finish]
    if not parts.boot_record.safe:
        steps = [parameters.flush, parameters.finish, parts.store.flush]
        if parts.acquisition.running:
            steps.insert(0, parts.checkpoint.write)
    steps.append(parts.boot_record.close)  # then no record number is given any more
    for step in steps:
        try:
            step()
        except Exception:  # the next start tells what is missing
            pass
    reset(parts.board, maintenance)


def crash(board, boot_record, task, error):
    """The run ends with an exception, of that task or, None, of none. boot_record: None if there is none yet."""
    bias_off(board)
    try:
        if boot_record:
            boot_record.crashed(task, error)
        else:
            note_crash(board.scratch, _NO_TASK, 0, 1)
    except Exception:  # the watchdog's reset is counted at least
        pass
    reset(board, False)


def bias_off(board):
    """By command, or by silence."""
    devices = board.slow_control
    try:
        devices.off()
    except Exception:  # OSError or any other
        if not devices.is_off:
            devices.silent = True


def reset(board, maintenance):
    """Never returns."""
    try:
        board.reset(maintenance)
    except Exception:
        pass
    while True:  # the watchdog is not fed any more
        board.wait(_FOREVER_US, _never)


def _never():
    return False
