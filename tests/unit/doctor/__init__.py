"""Verdicts of the examination: facts in, checks out."""
