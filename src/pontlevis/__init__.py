"""Pontlevis: a self-hosted front door for LLM services."""

__version__ = "0.1.0"
