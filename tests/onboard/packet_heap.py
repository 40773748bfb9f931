# After packet_bench.py: heap growth per packet.
import gc
from fsw.link.frame import Deframer

counts = array("H", range(200))
deframer = Deframer(icd.MAX_PACKET)


def step():
    telemetry.begin(icd.SPECTRUM, 3, 0, 0, 7, 1, 2, 3, 4, 0, 200, 0, 400)
    telemetry.halves(counts, 0, 200)
    assert telemetry.end()
    telemetry.send(icd.EVENT_LOW, 1, 2, 3)
    for packet in deframer.feed(link.sent):
        assert len(packet) == 36


def used():
    gc.collect()
    return gc.mem_alloc()


step()
before = used()
for i in range(1000):
    step()
print(used() - before, deframer.bad)
