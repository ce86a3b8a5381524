"""Reports that are sent or printed."""
