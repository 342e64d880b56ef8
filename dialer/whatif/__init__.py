"""What would happen with other agents, another mode, another knob: a campaign's own past, lived again."""
