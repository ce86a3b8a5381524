"""Lines of text grouped into templates, and traces into errors: pure, without a store."""
