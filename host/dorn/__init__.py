"""Host tools of DORN-FSW, flight software for an alpha spectrometer."""
