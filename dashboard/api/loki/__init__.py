"""The read API of Loki over our own store and engine.

Source: https://grafana.com/docs/loki/latest/reference/loki-http-api/
"""
