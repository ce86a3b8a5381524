"""Pull: scraping, audits, advisory feeds."""
