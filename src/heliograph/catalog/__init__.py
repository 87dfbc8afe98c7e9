"""The catalogue: what each metric is, in one row, from which its names, its documentation and its rules follow."""
