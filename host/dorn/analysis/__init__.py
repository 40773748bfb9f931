"""From counts to physics, on ground: what a stored spectrum and its live time are worth."""
