"""Settled before any test module is imported."""

from surroundings import settle

settle()
