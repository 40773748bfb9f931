# What reading the rings needs besides the kernel: how much is in them, calls of the kernel, dead time, and marks in the
# event list.
import micropython
from fsw.spectra import kernel as k
from micropython import const

_AMPLITUDE_GUARD = const(255)  # places left when the kernel starts; it reads faster than conversions arrive


@micropython.viper
def unread(i: int, j: int, n: int, tails: ptr32, mask: int, amplitude_mask: int) -> int:
    """Return the number of conversions not read yet. i, j: indices of the next event and its first amplitude; n: 0.

    128 events have fewer hits than the ring of amplitudes holds, so steps of up to 128 events cannot miss a lap of
    that ring.
    """
    step = 128
    left = mask
    while step:
        while left >= step:
            end = tails[(i + step - 1) & mask]
            if end == 0:
                break
            end = (end >> 1) & amplitude_mask
            n += (end - j) & amplitude_mask
            j = end
            i += step
            left -= step
        step >>= 1
    return n


def batch(sort, state, builder):
    """Call the kernel once; return the number of events read. If the amplitudes are about to overrun, none is read, and
    STATUS says so. Allocates nothing, as an interrupt calls it too (`unattended` of the event builder)."""
    most = builder.amplitude_mask
    if unread(state[k.READ], state[k.AMPLITUDE], 0, builder.tails, builder.mask, most) + _AMPLITUDE_GUARD > most:
        state[k.STATUS] = k.OVERRUN
        return 0
    return sort(state)


def dead_cycles(builder, state):
    """Return the dead time of the events that the kernel has summed, cycles: the law of boards/README.md."""
    return (
        builder.fixed_cycles * state[k.EVENTS_READ]
        + builder.hit_cycles * state[k.HITS]
        + builder.scan_cycles * state[k.SCANNED]
        + builder.pass_cycles * state[k.PASSES]
    )


def mark(state, listed, classes, opens):
    """Open the windows of the classes in a mask, or close those that are open, at the last stamp.

    While the window of a class is open, all its events are listed. A mark has four half-words: low and high half of the
    stamp; 0 in place of the hit pattern; class << 8, plus 1 if the window opens. A window opens only if its class has
    room for an event and the closing mark.
    """
    for c in range(4):
        h = state[k.LIST + c]
        last = (c + 1) * k.PART - k.MARK - k.LARGEST  # last index at which any event fits
        if classes >> c & 1 and (h + k.MARK <= last if opens else state[k.OPEN + c]):
            for half in (state[k.STAMP] & 0xFFFF, state[k.STAMP] >> 16, 0, c << 8 | opens):
                listed[h] = half
                h += 1
            state[k.LIST + c] = h
            state[k.OPEN + c] = opens and last
