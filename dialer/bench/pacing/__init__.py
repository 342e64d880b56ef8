"""The benchmark of pacing: a call centre in virtual time, its scenarios, and the peers measured on the same calls."""
