"""The call plane: Asterisk over its manager interface (AMI), its evidence and its files."""
