"""A person's hands in a notebook: widgets over the functions that a cell would call."""
