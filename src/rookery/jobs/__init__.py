"""Jobs: read, call pure functions, write. The same ones for Python, command line, CI and Airflow."""
