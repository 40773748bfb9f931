"""From counts to physics, on ground: what a stored spectrum and its live time are worth."""

FWHM = 2.3548200450309493  # of a Gaussian, in standard deviations: 2 sqrt(2 ln 2)
