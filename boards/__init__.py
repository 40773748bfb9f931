# The boards the firmware runs on. Their interface: boards/README.md.
import sys


def open_board():
    """Return the Board of this machine. Raises RuntimeError if the firmware was built for another kind of board."""
    if sys.platform == "rp2":
        # boards/NAME/constants.py of the board the image was built for
        from boards import constants  # pyright: ignore[reportAttributeAccessIssue]
        from boards.rp2.board import Board

        machine = sys.implementation._machine
        if machine != constants.MACHINE:
            raise RuntimeError("built for " + constants.MACHINE + ", not for " + machine)
        return Board(constants)
    if sys.platform == "linux" or sys.platform == "darwin":
        from boards.unix.board import Board

        return Board()
    raise RuntimeError("no board for " + sys.platform)
