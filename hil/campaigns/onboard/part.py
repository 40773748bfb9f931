# A persistent structure on flash (a part), for the power cut campaigns.
import random


def in_turn(things):
    """Endless iterator: all items in random order, repeatedly, so that each recurs soon."""
    while True:
        left = list(things)
        while left:
            yield left.pop(random.randrange(len(left)))


class Part:
    """A state that is replaced by new ones.

    A part of another kind, such as appended records, has its own step(), check() and write_further().
    """

    is_written = True

    def __init__(self, name, *ways):
        """ways: kinds of writes, one per step; may be omitted if there is only one kind."""
        self.name = name
        self.written = {way: 0 for way in ways or ("saved",)}  # completed writes
        self._ways = in_turn(self.written)
        self.allowed = ()  # states that may be found: the last acknowledged, and the one being written

    def begin(self, root):
        self.step(root)

    def step(self, root):
        """Write a new state. Raises OSError if power fails."""
        state, way = random.getrandbits(30), next(self._ways)
        self.allowed += (state,)
        self.write(f"{root}/{self.name}", state, way)
        self.allowed = (state,)
        self.written[way] += 1

    def resume(self, root):
        """After a power failure: the state on flash becomes the reference."""
        self.allowed = (self.read(f"{root}/{self.name}"),)

    def check(self, root, further=None):
        """Check that the state found is allowed, or is `further` if given. Raises AssertionError."""
        allowed = self.allowed if further is None else (further,)
        found = self.read(f"{root}/{self.name}")
        if found not in allowed:
            raise AssertionError(f"{self.name}: found {found}, allowed {allowed}")

    def write_further(self, root):
        state = random.getrandbits(30)
        self.write(f"{root}/{self.name}", state, random.choice(list(self.written)))
        return state
