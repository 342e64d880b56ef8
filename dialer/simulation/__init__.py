"""A simulated Asterisk: the node's own dialplan on channels without sound, AMI over TCP, debtors and agents behind it.

`far_end` is what the world beyond the node does, `population` a seeded world of debtors, `numbers` one whose numbers
say what happens, `pbx` the node itself, `server` its manager interface.
"""
