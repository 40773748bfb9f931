#!/bin/sh
# rp2040py: each Simulator.stop() while the CPU sleeps takes a fraction of a cycle from the PIO.
#
# Version: rp2040py 1.0.0b1.
# Expected: how often the caller stops and continues an emulation does not change what is emulated: the PIO executes as
# many instructions in the same simulated time. A sleeping CPU lets the clock jump from alarm to alarm, and the fraction
# of a cycle that a jump leaves is carried to the next one.
# Actual: the fraction is carried only within a batch. A callback that stops the simulator, or the 5 ms of the host's
# time after which a batch ends, drops it. With jumps of 1.5 cycles, a PIO machine that is due every four cycles loses a
# third of its instructions; with jumps of whole cycles it loses none. As the host's time ends batches, two runs of the
# same firmware with the same input can differ.
# Observed output (ticks of 1/16 ns, 128 in a cycle; simulated time in cycles; instructions of the machine):
#   jumps of 128 ticks, not stopped: 1200 cycles, 301 instructions
#   jumps of 128 ticks, stopped at each: 1200 cycles, 301 instructions
#   jumps of 192 ticks, not stopped: 1800 cycles, 451 instructions
#   jumps of 192 ticks, stopped at each: 1800 cycles, 301 instructions
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rp2040py==1.0.0b1
cat > "$folder/script.py" <<'SCRIPT'
from rp2040py.execute_batch import execute_batch
from rp2040py.rp2040 import RP2040
from rp2040py.simulator import Simulator

PIO0 = 0x5020_0000
CTRL, INSTR_MEM0, SM0_CLKDIV, SM0_INSTR = 0x000, 0x048, 0x0C8, 0x0D8
JMP_X_DEC_0, MOV_X_NOT_NULL = 0x0040, 0xA02B
JUMPS = 1200


def run(ticks, stopped):
    """(cycles, instructions) in JUMPS jumps of the clock, with the machine counting X down every four cycles."""
    chip = RP2040()
    simulator, clock, machine = Simulator(rp2040=chip), chip.clock, chip.pio[0].machines[0]
    for register, value in (
        (INSTR_MEM0, JMP_X_DEC_0),
        (SM0_CLKDIV, 4 << 16),
        (SM0_INSTR, MOV_X_NOT_NULL),
        (CTRL, 1),
    ):
        chip.write_uint32(PIO0 + register, value)
    chip.core.waiting = True
    jumps, before, x = 0, clock.ticks, machine.x

    def on_alarm():
        nonlocal jumps
        jumps += 1
        if jumps < JUMPS:
            alarm.schedule_ticks(ticks)
        if stopped or jumps == JUMPS:
            simulator.stop()

    alarm = clock.create_alarm(on_alarm)
    alarm.schedule_ticks(ticks)
    while jumps < JUMPS:
        simulator.stopped = False
        execute_batch(simulator, 1)
    return (clock.ticks - before) // 128, x - machine.x


for ticks in (128, 192):
    for stopped in (False, True):
        cycles, instructions = run(ticks, stopped)
        how = "stopped at each" if stopped else "not stopped"
        print(f"jumps of {ticks} ticks, {how}: {cycles} cycles, {instructions} instructions")
SCRIPT
output=$("$folder/venv/bin/python" "$folder/script.py")
echo "$output"
[ "$output" = "jumps of 128 ticks, not stopped: 1200 cycles, 301 instructions
jumps of 128 ticks, stopped at each: 1200 cycles, 301 instructions
jumps of 192 ticks, not stopped: 1800 cycles, 451 instructions
jumps of 192 ticks, stopped at each: 1800 cycles, 301 instructions" ]
