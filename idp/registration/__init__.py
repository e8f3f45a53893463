"""Clients: their metadata, checked field by field, and how they come and go."""
