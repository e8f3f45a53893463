"""The rows of enrolment, one table a file. Personal data stands sealed under a key of the person's own."""

from enrollment.models.account import Account
from enrollment.models.case_step import Check, Decision, Evidence
from enrollment.models.civil_identifier import CivilIdentifier
from enrollment.models.confirmation import ConfirmationCode
from enrollment.models.identity import Identity
from enrollment.models.passkey import Passkey
from enrollment.models.proofing_case import ProofingCase
from enrollment.models.recovery_code import RecoveryCode
from enrollment.models.repudiation import Repudiation

__all__ = [
    "Account",
    "Check",
    "CivilIdentifier",
    "ConfirmationCode",
    "Decision",
    "Evidence",
    "Identity",
    "Passkey",
    "ProofingCase",
    "RecoveryCode",
    "Repudiation",
]
