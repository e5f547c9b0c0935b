"""Workflows of GitHub Actions run on this machine, from their files: the part that ours use."""
