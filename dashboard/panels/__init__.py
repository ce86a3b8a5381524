"""Plotly figures and the numbers behind the pages."""
