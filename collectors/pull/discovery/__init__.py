"""Service discovery: one kind a file, each a function from its configuration to groups of targets."""
