"""The one place that builds objects; a room each, so that a small command does not load the whole service."""
