"""The pages of enrolment and recovery, as one blueprint."""

from enrollment.views.blueprint import blueprint

__all__ = ["blueprint"]
