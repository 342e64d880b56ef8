"""The simulated Asterisk, held against the real one."""
