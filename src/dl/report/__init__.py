"""What a person looks at: pictures, pages, tables, comparisons of runs, and the board.

The facts of a run are computed once (`facts`, `evaluation`), made into charts (`charts`), and drawn
as pictures (`png`, `plots`), as pages (`html`) and as text (`terminal`).
"""

from dl.finders import import_blind
from dl.variables import is_own_process

if is_own_process():  # a host has its own use for Matplotlib; there, another process draws
    # Matplotlib tells that it builds its font cache or finds no writable folder for it, and would
    # read a `matplotlibrc`, of any content, from where the command is run.
    import_blind("matplotlib", "matplotlibrc")
