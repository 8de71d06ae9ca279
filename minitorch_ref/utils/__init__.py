"""Helpers around the engine: data loading, hooks."""
