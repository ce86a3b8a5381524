"""Policies as documents: YAML whose every fault is told with its line and column."""
