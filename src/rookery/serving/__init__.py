"""The model API."""
