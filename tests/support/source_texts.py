"""Source file texts for tests, one of each kind."""

SPE = "$MEAS_TIM:\n10 20\n$DATA:\n0 3\n 0\n 5\n 7\n 0\n$MCA_CAL:\n3\n100 50 0 keV\n"
SCENARIO = """duration_s = 100
[[source]]
nuclide = "Po-210"
activity_bq = 50
efficiency = 0.5
detectors = "front"
[background]
rate_cps = 20
min_kev = 1000
max_kev = 2000
through_fraction = 0.25
[head]
noise_kev = 30
anything = [1, 2]
"""
SPECTRUM = "energy_kev,counts\n1000,3\n1010,0\n1030,7.0\n"
EVENTS = "time_us,detector,energy_kev\n0,0,5000\n1.5,15,100\n1.5,3,200.5\n2000000,1,1\n"
