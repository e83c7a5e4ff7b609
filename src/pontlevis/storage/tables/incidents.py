"""Incidents, their updates, measured availability."""
