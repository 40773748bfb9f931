"""What is installed on a board: the MicroPython image and the firmware's files."""
