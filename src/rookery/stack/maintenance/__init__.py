"""The steps of backup and restore."""
