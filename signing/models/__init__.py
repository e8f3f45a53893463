"""Rows of the signing module: credentials, documents, the officers' sessions at the desk."""
