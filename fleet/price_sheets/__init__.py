"""Price sheets that come with the product."""
