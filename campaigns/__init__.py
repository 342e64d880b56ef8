"""Lists and books: who may be called, what was tried, and what came of it."""
