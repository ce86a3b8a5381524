"""Everything that reads the relational side, prefetched for what its page shows."""
