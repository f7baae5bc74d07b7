"""Many resources at once, from and to files."""
