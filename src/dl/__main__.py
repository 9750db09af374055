"""`python -m dl` is the command `dl`, which begins here."""

from dl.variables import import_nothing_from_here


def main() -> None:
    """Runs the command line; a signal ends it well even while its modules are imported."""
    import_nothing_from_here()
    from dl.cli.signals import end_at_once

    end_at_once()
    from dl.cli.main import main as command

    command()


if __name__ == "__main__":
    main()
