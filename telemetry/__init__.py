"""Samples and log records: values, columnar store and query languages. Knows nothing of Django."""
