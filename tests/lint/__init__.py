"""Checks of what no general linter knows: translations, templates, lock files, what the project says of itself."""
