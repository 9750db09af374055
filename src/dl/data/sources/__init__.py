"""Where rows come from: a file for each source, and one for what a picture file holds."""
