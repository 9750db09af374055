"""Who does the trainings of a sweep: processes of this machine, or the nodes of a cluster."""
