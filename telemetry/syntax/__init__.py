"""How query languages write text and numbers."""
