"""The read API of Prometheus over our own store and engine.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/
"""
