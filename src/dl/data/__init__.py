"""Data: sources, splits, preprocessing; from rows to arrays."""

from dl.finders import hidden
from dl.variables import is_own_process

if is_own_process():
    # pyarrow imports pandas, where that is installed, to see whether what it is given is of pandas:
    # a third of a second, for nothing that a command uses. It looks once.
    with hidden(["pandas"]):
        import pyarrow

        pyarrow.array([])
