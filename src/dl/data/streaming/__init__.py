"""Data larger than memory: kept in files without a name, read a column or a block at a time.

The parts of a streamed data set are those of a resident one, row by row and number by number: the
same functions decide, split and learn, a column at a time. Only where the rows lie differs.
"""
