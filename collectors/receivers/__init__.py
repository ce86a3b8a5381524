"""Push: HTTP receivers in front of Django."""
