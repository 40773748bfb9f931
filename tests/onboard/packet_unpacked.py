# After packet_bench.py: a packet with a value that cannot be packed.
class Store:
    taken = 0
    kept = ()

    def number(self, priority):
        self.taken += 1
        return self.taken

    def append(self, frame):
        self.kept += (len(frame),)


store = Store()
telemetry = Telemetry(clock, link, store, ORIGIN)
try:
    telemetry.send(icd.EVENT_INFO, "no number", 0, 0)
except TypeError:
    pass
telemetry.send(icd.PONG)
print(store.taken, len(store.kept))
telemetry.send(icd.EVENT_INFO, 1, 2, 3)
print(store.taken, len(store.kept))
