"""Template tags and filters: icons, formats of values, components."""
