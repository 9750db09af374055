"""`python -m dl` is the command `dl`."""

from dl.cli.main import main

if __name__ == "__main__":
    main()
