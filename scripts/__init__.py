"""Maintenance scripts; nothing here ships."""
