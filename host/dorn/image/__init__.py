"""What runs on a board: the image of MicroPython, and the firmware as its files."""
