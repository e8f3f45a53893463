"""The demonstration around the provider: two agencies, a simulated civil registry, and the supervisor of `make run`.

Every part is a process of its own and talks to the provider by protocol only; nothing in the product imports it.
"""
