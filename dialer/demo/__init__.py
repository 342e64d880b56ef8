"""The demo: a whole centre on this machine, with a simulated Asterisk and time that runs faster."""
