"""What a person looks at after a run: pictures (`plots`) and text for the terminal (`terminal`)."""

import logging

from dl.imports import import_blind
from dl.variables import is_own_process

if is_own_process():  # a host has its own use for Matplotlib; there, another process draws
    # Matplotlib logs to stderr when it builds its font cache or finds no writable folder for it.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)

    # It would read a `matplotlibrc`, of any content, from where the command is run.
    import_blind("matplotlib", "matplotlibrc")
