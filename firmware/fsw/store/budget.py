# Which packets are stored: those for which a budget of octets a day has room.
from micropython import const

_DAY_US = const(86_400_000_000)
_SAVED_UP = const(8)  # of a day's budget so much, its 8th, can be saved up


class Budget:
    """What Telemetry stores with. Nothing is stored in mode safe, which the boot record knows of, or unless `enabled`.

    left: octets. over: packets that were not stored for want of them, since boot.
    """

    def __init__(self, store, boot_record):
        self.enabled = True
        self.left = self.over = 0
        self._store, self._boot_record = store, boot_record
        self._per_day = self._most = 0

    def set(self, number, per_day):
        """A parameter, octets a day. What can be saved up more than before is there at once."""
        most = per_day // _SAVED_UP
        self.left = min(self.left + max(most - self._most, 0), most)
        self._per_day = per_day
        self._most = most

    def accrue(self, gone_us):
        """So much time has passed."""
        self.left = min(self.left + self._per_day * gone_us // _DAY_US, self._most)

    def number(self, priority):
        """Record number of a packet about to be sent; 0: it is not to be stored. Those of priority 2 leave half of what
        can be saved up to the others."""
        if not self.enabled or self._boot_record.safe:
            return 0
        if self.left <= (self._most >> 1 if priority > 1 else 0):
            self.over += 1
            return 0
        return self._store.take_number()

    def append(self, frame):
        """Store the frame of the packet that has the number last given."""
        self.left -= len(frame)
        self._store.append(frame)

    def room(self):
        """False while it is worth waiting with a packet that can wait."""
        return not self.enabled or not self.busy()

    def busy(self):
        """Whether the store is to be written before it is due. Allocates nothing."""
        return self._store.busy() and not self._boot_record.safe
