"""Decisions in force, and what may never be banned."""
