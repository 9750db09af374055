"""What a person looks at after a run: pictures (`plots`) and text for the terminal (`terminal`)."""

import logging

# Matplotlib logs to stderr when it builds its font cache or finds no writable folder for it.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
