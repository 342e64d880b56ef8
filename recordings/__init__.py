"""Conversations kept: wrapped, summed, stored, found again."""
