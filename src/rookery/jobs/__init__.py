"""Jobs: read, call pure functions, write; the same for Python, command line and CI."""
