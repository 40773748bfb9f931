# Replaces main.py: the firmware with one parameter that no component binds.
from fsw import icd
from fsw.pus.parameters import Parameters

bind = Parameters.bind


def all_but_one(self, first, *rest):
    if first != icd.P_TIME_INTERVAL:
        bind(self, first, *rest)


Parameters.bind = all_but_one
import firmware_main
