"""`dorn live`: a page in the browser that shows an archive, also while it is being recorded.

player.py reads the archive, all at once or at a given speed, and follows it as it grows. measurement.py holds what the
page shows, in bounded memory. view.py is the page of one browser, composed of the panels in the other modules;
server.py serves it. With a target, instrument.py records it to the archive, which is the only data they share.
"""
