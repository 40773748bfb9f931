# Tasks that produce garbage: see test_executive.py.
import gc
from fsw.executive import Executive, Task


class Board:
    now = 0

    class events:
        def unattended(on):
            pass

    class clock:
        def us():
            Board.now += 100
            return Board.now

    def wait(until_us, attention):
        Board.now = max(Board.now, until_us)


steps = [0] * 13


def task(number):
    def run(now):
        steps[number] += 1
        if number:
            for _ in range(55):
                bytearray(64)  # 96 octets with its header

    return run


tasks = [Task(task(number), 100 if number else 0, 10, 1000, 6000 if number else 0) for number in range(13)]
executive = Executive(Board, lambda now, tasks: None, lambda *report: print(report), tasks)
executive.begin()
collected = executive._collections
gc.disable()
for _ in range(400):
    executive.cycle()
print(min(steps[1:]), steps[0] > 400, executive._collections - collected)
