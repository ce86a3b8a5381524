"""How many replicas there should be, and how much room is left: pure functions."""
