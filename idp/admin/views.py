"""Every address of the console, with its methods; who may call it stands at each view."""

from __future__ import annotations

from flask import Blueprint

from idp.admin.approval_views import ApprovalPages
from idp.admin.audit_views import AuditPages
from idp.admin.catalogue_views import CataloguePages
from idp.admin.client_views import ClientPages
from idp.admin.clients import Registrar
from idp.admin.custody_approval_views import CustodyApprovalPages
from idp.admin.custody_views import CustodyPages
from idp.admin.invitation_views import InvitationPages
from idp.admin.key_views import KeyPages
from idp.admin.lint_views import LintPages
from idp.admin.logo_views import LogoPages
from idp.admin.people_views import PeoplePages
from idp.admin.services import ConsoleServices
from idp.admin.trial_views import TrialPages


def blueprint(services: ConsoleServices) -> Blueprint:
    registrar = Registrar(services)
    clients, keys = ClientPages(services, registrar), KeyPages(services, registrar)
    logos, trials = LogoPages(services, registrar), TrialPages(services)
    approvals, people = ApprovalPages(services, registrar), PeoplePages(services)
    audit, invitations = AuditPages(services), InvitationPages(services)
    records = CataloguePages(services)
    custody, two_people = CustodyPages(services), CustodyApprovalPages(services)
    table = (
        ("GET", "/console", clients.overview),
        ("GET", "/console/clients/new", clients.new),
        ("POST", "/console/clients/new", clients.create),
        ("GET", "/console/clients/<client_id>", clients.client),
        ("POST", "/console/clients/<client_id>", clients.act),
        ("GET", "/console/clients/<client_id>/edit", clients.edit),
        ("POST", "/console/clients/<client_id>/edit", clients.change),
        ("GET", "/console/clients/<client_id>/check", LintPages(services).check),
        ("GET", "/console/clients/<client_id>/code/<file_name>", clients.code),
        ("GET", "/console/clients/<client_id>/keys", keys.keys),
        ("POST", "/console/clients/<client_id>/keys", keys.change_keys),
        ("GET", "/console/clients/<client_id>/logo", logos.logo),
        ("POST", "/console/clients/<client_id>/logo", logos.change_logo),
        ("GET", "/console/clients/<client_id>/try", trials.trial_page),
        ("POST", "/console/clients/<client_id>/try", trials.begin_trial),
        ("GET", "/console/clients/<client_id>/try/callback", trials.finish_trial),
        ("GET", "/console/approvals", approvals.approvals),
        ("GET", "/console/approvals/<approval_id>", approvals.approval),
        ("POST", "/console/approvals/<approval_id>", approvals.decide),
        ("GET", "/console/catalogue", records.catalogue),
        ("GET", "/console/catalogue/new", records.new),
        ("POST", "/console/catalogue/new", records.offer),
        ("GET", "/console/catalogue/<identifier>", records.entry),
        ("POST", "/console/catalogue/<identifier>", records.change),
        ("GET", "/console/keys", custody.key_list),
        ("GET", "/console/keys/approvals", two_people.approvals),
        ("GET", "/console/keys/approvals/<approval_id>", two_people.approval),
        ("POST", "/console/keys/approvals/<approval_id>", two_people.decide),
        ("GET", "/console/keys/<kid>", custody.one_key),
        ("POST", "/console/keys/<kid>", custody.change_key),
        ("GET", "/console/people", people.people),
        ("POST", "/console/people", people.change),
        ("GET", "/console/audit", audit.audit_trail),
        ("GET", "/invitation/<token>", invitations.invitation),
        ("POST", "/invitation/<token>", invitations.accept),
        ("GET", "/logos/<client_id>.png", logos.picture),
    )
    pages = Blueprint("admin", __name__, template_folder="templates")
    for method, path, view in table:
        name = view.__qualname__.replace(".", "_")  # an endpoint: two pages may each have a `change`
        pages.add_url_rule(path, name, view, methods=[method])
    return pages
