"""The only I/O: sources, tables, runs and models, ledger, snapshots."""
