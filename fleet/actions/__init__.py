"""Everything that changes the relational side: keyword arguments, one transaction, one audit event."""
