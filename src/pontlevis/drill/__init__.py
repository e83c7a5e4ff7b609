"""Scenarios, loopback fleet, scorecard, plots."""
