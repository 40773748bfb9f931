# Entry point at power-up of the stimulus board. Ctrl-C during the first half second, or the command `prompt`, leads to
# the prompt, which `dorn flash` needs.
import select
import sys
import time

import micropython
from micropython import const

_WINDOW_MS = const(500)
_STEP_MS = const(2)  # while a list is played: the ring holds a thousand pulses
_IDLE_MS = const(50)
_LINE = const(256)  # octets; longer than any command: the rest is taken for another


def main():
    from boards.stimulus.commands import Commands
    from boards.stimulus.front_end import FrontEnd
    from boards.stimulus.player import Player

    front_end = FrontEnd()
    player = Player(front_end)
    commands = Commands(player, front_end)
    try:
        time.sleep_ms(_WINDOW_MS)
    except KeyboardInterrupt:
        return
    micropython.kbd_intr(-1)  # octets of lists are no Ctrl-C
    waiting = select.poll()
    waiting.register(sys.stdin, select.POLLIN)
    print("ok stimulus")
    while True:
        player.step()
        for _ in waiting.ipoll(0 if player.making() else _STEP_MS if player.playing() else _IDLE_MS):
            # octets, as another program's need not be text; zeros that ended a list may precede a command
            line = sys.stdin.buffer.readline(_LINE).strip(b"\0\r\n ")
            if line == b"prompt":
                micropython.kbd_intr(3)
                print("ok prompt")
                return
            if line == b"block":
                player.receive()
            elif line:
                print(commands.answer(line))


main()
