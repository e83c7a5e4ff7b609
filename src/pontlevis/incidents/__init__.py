"""Incident lifecycle, status page data, feeds."""
