"""The agencies' console: clients, their approval, the people who work there, the audit trail.

A developer registers a client and tries it; another person lets it go live.
"""
