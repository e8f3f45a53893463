"""Enrolment: from a citizen number to an account with a passkey, and the levels it is worth.

Evidence is collected, checked, and judged by policy that is data; a level is always derived, never typed in.
"""
