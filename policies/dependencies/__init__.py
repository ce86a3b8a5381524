"""What must be fixed first and by when: pure decisions about findings of dependencies."""
