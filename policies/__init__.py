"""Pure decisions over fleet and telemetry values, their documents, and the thin tasks that run them."""
