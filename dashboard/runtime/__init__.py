"""The running process: data directory, server, background work, and how they start and stop together."""
