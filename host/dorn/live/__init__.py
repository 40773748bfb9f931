"""`dorn live`: a page in the browser that shows an archive, also while it is being recorded.

player.py reads the archive, all at once or at a speed, and follows it as it grows. measurement.py has what the page
shows, in bounded memory. view.py is the page of one browser, made of the panels beside it; server.py serves it. With a
target, instrument.py records it into the archive; the two meet in that file only.
"""
