"""Host tools of DORN-FSW: simulated detector head, targets, link, dictionary, analysis."""
