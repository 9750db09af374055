"""`python -m dl` is the command `dl`, which begins here."""

import _signal  # type: ignore[import-not-found]  # `signal` takes milliseconds, for its enums
import sys

from dl.variables import import_nothing_from_here
from dl.warm import may_be_warm


def main() -> None:
    """Runs the command line; a signal ends it well even while its modules are imported."""
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # Python's would show a traceback
    import_nothing_from_here()
    if may_be_warm(sys.argv):
        from dl.warm.client import hand_over

        hand_over(sys.argv)
    try:
        from dl.cli.process import end_at_once

        end_at_once()
        from dl.cli.main import main as command
    except OSError as error:  # a module of `dl` itself cannot be read
        sys.stderr.write(f"error: {error.filename}: {error.strerror}\n")
        sys.exit(7)
    except ImportError as error:  # a library that cannot be opened, for want of files or memory
        sys.stderr.write(f"error: {error}\n")
        sys.exit(7)
    command()


if __name__ == "__main__":
    main()
