"""Every prediction, written off the request path: memory, then a spool on disk, then the database.

`add` appends to a list. A writer moves the list to the spool, some hundred predictions a block;
a sender moves the spool to the database. Each step leaves the source until the target has it, so
that what is killed in between is sent again, and known by its id.
"""
