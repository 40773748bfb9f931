# The commands of the stimulus board, a line each, over its USB port; every one is answered by a line, `ok ...` or
# `error: ...`. README.md describes them.
import machine

from boards.stimulus import edges
from boards.stimulus.sources import LEVELS, Poisson, Regular, Streamed

_MASK = (1, 0xFFFF)
_WIDTH = (edges.NARROWEST, edges.WIDEST)
_NUMBER = (1, edges.MOST)
_GAP = (20, 120_000_000)  # cycles
_HEIGHT = (0, 255)
# command -> names and limits of its arguments; those of the last may be repeated
_ARGUMENTS = {
    "list": (("width", _WIDTH),),
    "regular": (
        ("number", _NUMBER), ("period", _GAP), ("width", _WIDTH), ("lines", _MASK), ("front", _HEIGHT),
        ("back", _HEIGHT),
    ),
    "poisson": (
        ("number", _NUMBER), ("mean", _GAP), ("width", _WIDTH), ("seed", (0, 0xFFFF)), ("lines", _MASK),
        ("pairs", (0, 100)), ("heights", _HEIGHT),
    ),
    "hold": (("lines", (0, 0xFFFF)), ("height", _HEIGHT)),
    "identity": (),
    "state": (),
    "stop": (),
}  # fmt: skip


class Commands:
    def __init__(self, player, front_end):
        self._player = player
        self._front_end = front_end

    def answer(self, line):
        """Execute a command, a line of octets. Return its answer."""
        name = "?"
        try:
            name, *words = str(line, "utf-8").split() or ("",)
            if name not in _ARGUMENTS:
                raise ValueError("unknown; known: prompt, " + ", ".join(_ARGUMENTS))
            result = getattr(self, "_" + name)(*_numbers(name, words))
        except (OSError, ValueError) as error:
            return "error: " + name + ": " + str(error)
        return "ok " + result if result else "ok"

    def _list(self, width):
        self._player.begin(Streamed(), width)

    def _regular(self, number, period, width, lines, front, back):
        self._player.begin(Regular(number, period, lines, front, back), width)

    def _poisson(self, number, mean, width, seed, lines, pairs, *heights):
        self._player.begin(Poisson(number, mean, seed, lines, pairs, heights), width)

    def _hold(self, lines, height):
        self._player.hold(lines, height)

    def _stop(self):
        self._player.stop()

    def _identity(self):
        with open("/manifest") as manifest:  # dorn.image.firmware
            return "stimulus " + manifest.read(8) + " " + machine.unique_id().hex()

    def _state(self):
        player = self._player
        asked, late = player.asked()
        played, shown, early = player.counts()
        values = (
            f"playing={player.playing() + 0} asked={asked} played={played}",
            f"shown={shown} early={early} resets={self._front_end.resets()}",
            f"late={late} starved={player.starved + 0}",
        )
        return " ".join(values)


def _numbers(name, words):
    arguments = _ARGUMENTS[name]
    if len(words) < len(arguments) or (len(words) > len(arguments) and name != "poisson"):
        raise ValueError("expected " + (" ".join([argument for argument, _ in arguments]) or "no argument"))
    if len(words) >= len(arguments) + LEVELS:
        raise ValueError(f"heights: more than {LEVELS}")
    numbers = []
    for i, word in enumerate(words):
        argument, (low, high) = arguments[min(i, len(arguments) - 1)]
        try:
            number = int(word)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise ValueError(f"{argument}: expected {low} to {high} ({word})")
        numbers.append(number)
    return numbers
