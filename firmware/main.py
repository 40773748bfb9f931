# What the board runs at power-up: the maintenance window, in which the firmware is loaded, then the instrument.
from boards import open_board

_WINDOW_MS = 500


def load():
    """What takes longest of a start, and does nothing yet."""
    import fsw.memory
    import fsw.run
    import fsw.app


def main():
    board = open_board()
    if board.maintenance(_WINDOW_MS, load):
        print("DORN-FSW: maintenance, nothing is running")
        return
    from fsw.run import run

    run(board)


main()
