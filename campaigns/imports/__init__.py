"""A list becomes leads: staged in short committed chunks, published in one step, the same file twice for nothing."""
