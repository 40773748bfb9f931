"""An instrument served while a stimulus board plays a list."""

from __future__ import annotations

from dorn.session import Session
from dorn.targets import TargetError
from dorn.targets.stimulus import State, StimulusBoard

_AFTER_S = 0.001  # for the event of the last pulse
_WAIT_S = 0.02
_LATE_S = 10.0  # and as long as the list: one that the board makes at random times may take longer than its mean


def until_played(session: Session, board: StimulusBoard, seconds: float) -> State:
    """Serve the instrument until 1 ms after the last pulse of a list, in about `seconds`. Returns the board's counters.

    Raises TargetError for a list that ended early, because it was not sent in time, or does not end: what the
    instrument has recorded is then not what should have been played.
    """
    target, name, seconds = session.target, board.name, max(0.0, seconds)
    end_us = target.now_us + (2 * seconds + _LATE_S) * 1e6
    session.advance(seconds)
    while (state := board.state()).playing:
        if target.now_us > end_us:
            late_s = seconds + _LATE_S
            raise TargetError(f"stimulus {name}: the list still plays {late_s:g} s after its end: {state}")
        session.advance(_WAIT_S)
    if state.starved:
        raise TargetError(
            f"stimulus {name}: the list was not sent in time, and ended after {state.played} pulses: is this computer"
            " too busy? Repeat the measurement"
        )
    session.advance(_AFTER_S)
    return state
