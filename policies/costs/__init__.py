"""What use and bills amount to: pure functions on exact decimals."""
