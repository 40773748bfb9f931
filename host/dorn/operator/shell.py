"""`dorn shell`: statements and telecommands from a prompt or a pipe."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from select import select

from dorn.dictionary import Packet
from dorn.errors import UserError
from dorn.operator import completion, lines
from dorn.operator.parsing import parse, without_comment
from dorn.operator.running import Runner
from dorn.operator.statements import GRAMMAR, Statement
from dorn.operator.telecommands import one_of, telecommand
from dorn.session import Session
from dorn.targets import NAMES, TargetError

HELP = "help NAME explains a statement, telecommand, packet, parameter or event report; quit or Ctrl-D leaves the shell"
STILL = "the time of a simulated instrument passes only while a statement runs; `wait 10` lets 10 s pass"
PROMPT = "dorn> "
FAILED, WRONG = 1, 2  # exit status: failed on board; invalid input
_IDLE_S = 0.02  # time for which the link is read between checks of the keyboard


class Shell:
    """Prints all packets while a statement runs, but at the prompt only late answers and event reports."""

    def __init__(self, session: Session):
        self.status = 0
        self._session = session
        self._dictionary = session.dictionary
        self._runner = Runner(session)
        self._runner.on_packet = self._show
        self._busy = False
        self._prompt = None  # a PromptSession of prompt_toolkit

    def _show(self, packet: Packet) -> None:
        line = lines.packet_line(packet, self._dictionary)
        if self._busy:
            print(self._folded(line), flush=True)
        elif lines.is_asked_for(packet, self._dictionary):
            self._print_above(self._folded(line))

    @staticmethod
    def _folded(text: str) -> str:
        """Text broken between words to fit the width of the terminal; in a pipe it remains one line."""
        if not sys.stdout.isatty():
            return text
        width = shutil.get_terminal_size().columns - 1
        return textwrap.fill(text, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)

    @property
    def _simulated(self) -> bool:
        """Whether target time stands still until it is advanced."""
        return self._session.target.name in NAMES

    def run_all(self, pipe: int) -> int:
        """Run lines from a file descriptor until its end or quit. Returns the exit status of the worst line."""
        with open(pipe, "rb", buffering=0, closefd=False) as lines_in:  # unbuffered: select sees all unread data
            for number in count(1):
                if not self._simulated:
                    self._listen(lambda: bool(select([lines_in], [], [], 0)[0]))
                text = lines_in.readline().decode(errors="replace")
                if not text or not self.run(text, f"line {number}: "):
                    break
        return self.status

    def run(self, text: str, place: str = "") -> bool:
        """Run one line; errors go to stderr. Returns whether to continue."""
        words = without_comment(text).split()
        if words == ["quit"]:
            return False
        if words[:1] == ["help"]:
            print("\n".join(map(self._folded, self._help(words[1:]))))
            return True
        try:
            statement = self._parse(text, words)
        except UserError as error:
            self._complain(f"{place}{error}", WRONG)
            return True
        if statement is not None:
            self._carry_out(statement, place)
        return True

    def _parse(self, text: str, words: list[str]) -> Statement | None:
        commands = self._dictionary.commands
        if words and one_of("statement or telecommand", words[0], [*GRAMMAR, *commands, "help", "quit"]) not in GRAMMAR:
            return telecommand(words, self._dictionary)  # without `send`, as in dorn tc
        return parse(text, self._dictionary)

    def _carry_out(self, statement: Statement, place: str) -> None:
        self._busy = True
        try:
            message = self._runner.run(statement)
        except TargetError as error:
            self._complain(f"{place}{error}", FAILED)
        else:
            if message:
                print(message, flush=True)
        finally:
            self._busy = False

    def _help(self, names: list[str]) -> list[str]:
        if not names:
            return [*GRAMMAR.values(), "telecommands: " + ", ".join(self._dictionary.commands), HELP]
        return [line for name in names for line in lines.about(name, self._dictionary) or [f"{name}: no such name"]]

    def _complain(self, text: str, status: int) -> None:
        print(f"dorn: {text}", file=sys.stderr, flush=True)
        self.status = max(self.status, status)

    # -- on a terminal -------------------------------------------------------------------------------------------------

    def converse(self, **terminal) -> None:
        """Prompt until quit or Ctrl-D. terminal: `input` and `output` of prompt_toolkit (default: this process's)."""
        from prompt_toolkit import PromptSession

        self._prompt = PromptSession(PROMPT, completer=_completer(self._dictionary), history=_history(), **terminal)
        print(self._folded(HELP))
        if self._simulated:
            print(self._folded(STILL))
        while True:
            try:
                text = self._prompt.prompt(inputhook=None if self._simulated else self._meanwhile)
            except KeyboardInterrupt:  # discard the line being typed
                continue
            except EOFError:
                return
            try:
                if not self.run(text):
                    return
            except KeyboardInterrupt:
                print("stopped", file=sys.stderr)

    def _meanwhile(self, context) -> None:
        """Read the link to a real instrument while nothing is typed; simulated time stands still."""
        app = self._prompt.app  # pyright: ignore[reportOptionalMemberAccess] the prompt calls this
        try:
            self._listen(context.input_is_ready)
        except UserError as error:  # the port is lost
            app.exit(exception=error)
            app.invalidate()  # wakes the prompt

    def _print_above(self, text: str) -> None:
        """Print above the prompt if there is one."""
        app = self._prompt.app if self._prompt else None
        if not app or not app.is_running:
            print(text, flush=True)
            return
        app.renderer.erase()
        print(text, flush=True)
        app.renderer.reset()
        app.invalidate()

    def _listen(self, ready: Callable[[], bool]) -> None:
        """Read what a real instrument sends until the operator has typed something."""
        while not ready():
            self._session.advance(_IDLE_S)


def _completer(dictionary):
    from prompt_toolkit.completion import Completer, Completion

    class Words(Completer):
        def get_completions(self, document, complete_event) -> Iterator[Completion]:
            begun, words = completion.possible(document.text_before_cursor, dictionary)
            return (Completion(word, start_position=-len(begun)) for word in words)

    return Words()


def _history():
    """History in the user's state directory, or in memory if that cannot be written."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    path = Path(state) / "dorn" / "history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a").close()
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))
