# After packet_bench.py: one field too few or too many.
for values in ((1, 2), (1, 2, 3, 4), (1, 2, 3)):
    try:
        telemetry.send(icd.EVENT_INFO, *values)
    except ValueError:
        print("refused")
print(link.sent is not None, telemetry.taken)
