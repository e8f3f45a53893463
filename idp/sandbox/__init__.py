"""What exists only with PRAJAK_SANDBOX=1: sign-in without an authenticator, the outbox, the seeds."""
