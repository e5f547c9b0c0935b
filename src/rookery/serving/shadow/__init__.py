"""A second version that scores what the first has answered, to be compared with it."""
