# Entry point at power-up: loads the firmware during the maintenance window, then runs the instrument.
from boards import open_board

_WINDOW_MS = 500


def load():
    """Import the firmware, which takes most of the start-up time; nothing runs yet."""
    import fsw.memory
    import fsw.run
    import fsw.app


def main():
    board = open_board()
    if board.maintenance(_WINDOW_MS, load):
        print("DORN-FSW: maintenance, firmware not running")
        return
    from fsw.run import run

    run(board)


main()
