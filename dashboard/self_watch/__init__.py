"""Belvedere watches itself as its first service: own metrics, log events, packages, version."""
