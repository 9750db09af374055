"""A run that answers over HTTP: rows of a table in, what `dl predict` says of them out."""
