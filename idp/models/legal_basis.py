"""The words for why an agency may have somebody's data: Personal Data Protection Act B.E. 2562, sections 19 and 24."""

LEGAL_BASES = ("consent", "contract", "public_task", "legitimate_interest", "legal_obligation", "vital_interest")
CONSENT = "consent"
