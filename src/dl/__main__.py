"""`python -m dl` is the command `dl`, which begins here."""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line; a signal ends it well even while its modules are imported."""
    from dl.cli.signals import end_at_once

    end_at_once()
    from dl.cli.main import main as command

    command()


if __name__ == "__main__":
    main()
