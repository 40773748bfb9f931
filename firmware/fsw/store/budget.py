# Which packets are stored: limited by a budget of octets per day.
from micropython import const

_DAY_US = const(86_400_000_000)
_SAVED_UP = const(8)  # up to 1/8 of a day's budget can accumulate


class Budget:
    """The store as used by Telemetry. Nothing is stored in mode safe (see the boot record) or unless `enabled`.

    left: octets available now. over: packets not stored for lack of budget, since boot.
    """

    def __init__(self, store, boot_record):
        self.enabled = True
        self.left = self.over = 0
        self._store, self._boot_record = store, boot_record
        self._per_day = self._most = 0

    def set(self, number, per_day):
        """Set the budget (parameter), octets per day. An increase of what can be saved up is available at once."""
        most = per_day // _SAVED_UP
        self.left = min(self.left + max(most - self._most, 0), most)
        self._per_day = per_day
        self._most = most

    def accrue(self, gone_us):
        """Add the budget for the time that has passed."""
        self.left = min(self.left + self._per_day * gone_us // _DAY_US, self._most)

    def number(self, priority):
        """Return the record number for a packet about to be sent, or 0 if it is not to be stored. Priority 2 may
        not use the last half of what can be saved up."""
        if not self.enabled or self._boot_record.safe:
            return 0
        if self.left <= (self._most >> 1 if priority > 1 else 0):
            self.over += 1
            return 0
        return self._store.take_number()

    def append(self, frame):
        """Store the frame of the packet with the last number assigned."""
        self.left -= len(frame)
        self._store.append(frame)

    def room(self):
        """Return whether a packet that can wait should be sent now."""
        return not self.enabled or not self.busy()

    def busy(self):
        """Return whether the store should be written before it is due. Must not allocate."""
        return self._store.busy() and not self._boot_record.safe
