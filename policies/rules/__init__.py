"""Recording and alerting rules as Prometheus writes them: documents, templates, states and their evaluation.

Source: https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
"""
