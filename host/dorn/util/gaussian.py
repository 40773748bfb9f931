"""The shape of lines and of noise."""

FWHM = 2.3548200450309493  # of a Gaussian, in standard deviations: 2 sqrt(2 ln 2)
