# A part of what is kept on flash, for the campaigns that let power fail.
import random


def in_turn(things):
    """Endless: all of them in a random order, then in another, so that none is left out for long."""
    while True:
        left = list(things)
        while left:
            yield left.pop(random.randrange(len(left)))


class Part:
    """A state that is replaced by a new one, again and again.

    A part of another kind, such as records that are appended, has its own step(), check() and write_further().
    """

    is_written = True

    def __init__(self, name, *ways):
        """ways: kinds of writes, one in each step; a part of one kind needs none."""
        self.name = name
        self.written = {way: 0 for way in ways or ("saved",)}  # how often to the end
        self._ways = in_turn(self.written)
        self.allowed = ()  # states that may be found: the one acknowledged last, and the one being written

    def begin(self, root):
        self.step(root)

    def step(self, root):
        """Write; OSError if power fails."""
        state, way = random.getrandbits(30), next(self._ways)
        self.allowed += (state,)
        self.write(f"{root}/{self.name}", state, way)
        self.allowed = (state,)
        self.written[way] += 1

    def resume(self, root):
        """After power failed: what is there now counts."""
        self.allowed = (self.read(f"{root}/{self.name}"),)

    def check(self, root, further=None):
        """What is found must be allowed; or just what was written further."""
        allowed = self.allowed if further is None else (further,)
        found = self.read(f"{root}/{self.name}")
        if found not in allowed:
            raise AssertionError(f"{self.name}: found {found}, allowed {allowed}")

    def write_further(self, root):
        state = random.getrandbits(30)
        self.write(f"{root}/{self.name}", state, random.choice(list(self.written)))
        return state
