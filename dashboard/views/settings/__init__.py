"""The settings pages: what sends here, what is scraped, who owns what, and how Belvedere itself is."""
