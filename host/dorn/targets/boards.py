"""An instrument and the stimulus board that is wired to it: two ports, or two emulated boards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from dorn.errors import UserError
from dorn.targets import NAMES, PAIR, Target, is_port, open_target
from dorn.targets.stimulus import StimulusBoard

# unique id of the instrument of a pair, the same in each run: a table of levels is valid for the next one
PAIR_ID = 0x494E535452554D45


@contextlib.contextmanager
def open_boards(name: str, stimulus: str | None) -> Iterator[tuple[Target, StimulusBoard]]:
    """The target `name` and its stimulus board, not connected yet. stimulus: port of the board; None for a pair.

    Raises UserError if a port is missing or cannot be opened, or the target has no place for a board.
    """
    if name in NAMES:
        raise UserError.at("--target", "target", "its head is simulated: it has no stimulus board", name)
    if name != PAIR and not is_port(name):
        raise UserError.at("--target", "target", f"not {PAIR}, a serial port or a URL", name)
    if (name == PAIR) == (stimulus is not None):
        what = "a pair has its own stimulus board" if stimulus else "the port of the stimulus board is missing"
        raise UserError.at("--stimulus", "PORT", what, stimulus)
    with open_target(name, unique_id=PAIR_ID) as target:  # a real instrument has its own
        if stimulus is None:
            from dorn.targets.pair import PairTarget

            assert isinstance(target, PairTarget)
            yield target, StimulusBoard(target.stimulus_port)
        else:
            from dorn.targets.stimulus_port import SerialStimulusPort

            with SerialStimulusPort(stimulus) as port:
                yield target, StimulusBoard(port)
