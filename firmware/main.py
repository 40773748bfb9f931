# What the board runs at power-up: the maintenance window, then the instrument.
from boards import open_board

_WINDOW_MS = 500


def main():
    board = open_board()
    if board.maintenance(_WINDOW_MS):
        print("DORN-FSW: maintenance, nothing is running")
        return
    from fsw.spectra.memory import spectra

    spectra()
    from fsw.app import run

    run(board)


main()
