"""The command line. To import it makes the process one of `dl`, before libraries are loaded."""

from dl.variables import take_process

take_process()
