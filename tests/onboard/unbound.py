# In place of main.py: the firmware, in which nobody answers for a parameter.
from fsw import icd
from fsw.pus.parameters import Parameters

bind = Parameters.bind


def all_but_one(self, first, *rest):
    if first != icd.P_TIME_INTERVAL:
        bind(self, first, *rest)


Parameters.bind = all_but_one
import firmware_main
