"""Pages of HTML that hold everything in one file: the report of a run."""
