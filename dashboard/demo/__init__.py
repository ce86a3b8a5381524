"""A simulated fleet that speaks the real protocols to the real endpoints, and is marked as simulated everywhere."""
