# The programs of the two state machines of the event builder. Assembled at start; then this module is released.
import rp2


def _loop(cycles):
    """Return (iterations - 1, delay) of `jmp(x_dec, ...) [delay]` that lasts at least `cycles`, 1 to 1024."""
    delay = (cycles + 31) // 32 - 1
    return (cycles + delay) // (delay + 1) - 1, delay


def programs(peaking, settle, convert, reset, release):
    """Return both programs and the dead cycles. Times in cycles: settle, reset, release <= 32, others <= 1024."""
    peak_n, peak_delay = _loop(peaking)
    conv_n, conv_delay = _loop(convert)
    reset, release, settle = reset - 1, release - 1, settle - 1

    # ruff: noqa: F821 (the assembler puts the instructions' names into scope)
    @rp2.asm_pio(
        out_init=(rp2.PIO.OUT_LOW,) * 4,
        set_init=rp2.PIO.OUT_LOW,
        in_shiftdir=rp2.PIO.SHIFT_LEFT,
        out_shiftdir=rp2.PIO.SHIFT_RIGHT,
        fifo_join=rp2.PIO.JOIN_RX,
    )
    def sequence():  # starts by resetting the head and pushing a marker: an event without hits
        label("begin")
        mov(osr, invert(null))
        out(y, 15)  # y = 0x7FFF, counts the passes down
        label("reset")
        set(pins, 1)[reset]
        set(pins, 0)[release]  # latches and peak-holds are active again: a signal still above threshold sets its latch
        mov(osr, pins)
        out(x, 16)
        jmp(not_x, "quiet")
        jmp(y_dec, "reset")  # gives up after 32768 passes, y = 0xFFFFFFFF: a stuck line costs time but does not hang
        label("quiet")
        in_(y, 16)  # isr = hit pattern << 16 | y
        push()  # blocking: nothing is dropped; a stall shows in FDEBUG
        label("armed")
        mov(osr, pins)
        out(x, 16)
        jmp(not_x, "armed")
        set(y, peak_n)
        label("peaking")
        jmp(y_dec, "peaking")[peak_delay]
        mov(osr, pins)  # the only sample, both converted and reported
        out(x, 16)  # only the lines: what follows tests whether any is left
        mov(osr, x)
        mov(isr, x)
        set(y, 15)
        label("detector")
        out(x, 1)
        jmp(not_x, "next")
        mov(pins, invert(y))  # the multiplexer's address
        set(x, conv_n)[settle]
        irq(4)
        label("conversion")  # the address must be stable until the conversion is over
        jmp(x_dec, "conversion")[conv_delay]
        mov(x, osr)
        jmp(not_x, "begin")  # that was the last hit
        label("next")
        jmp(y_dec, "detector")

    @rp2.asm_pio(in_shiftdir=rp2.PIO.SHIFT_LEFT, autopush=True, push_thresh=32)
    def start_adc():  # x holds START_ONCE
        wait(1, irq, 4)
        in_(x, 32)

    peaking = (peak_n + 1) * (peak_delay + 1)
    convert = (conv_n + 1) * (conv_delay + 1)
    # dead cycles from the sample of the lines that triggered to the one that found them quiet, counted in the program
    # above; plus 2 for the time a pulse waits to be sampled (1.5 on average: the lines are sampled every three cycles).
    # Not counted: the scan of an event whose lines were all switched off during the peaking time
    fixed = 17 + peaking + reset + release
    hit = 5 + settle + convert
    scan = 3
    extra_pass = 6 + reset + release
    return sequence, start_adc, (fixed, hit, scan, extra_pass)
