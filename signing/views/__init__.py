"""The pages of the signing desk (/sign) and of the public verifier (/verify)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState

from core.web import Guard
from signing.services import SigningServices
from signing.views import desk, provider_answers, sign_in, verify
from signing.views.installed import EXTENSION, SIGNER, require_officer
from signing.views.told import told

ROOM = Path(__file__).parent.parent


class Room(Blueprint):
    """Its static folder is served by core/web, at addresses that change with the bytes; Flask adds no second way."""

    has_static_folder = False


def blueprint(services: SigningServices) -> Blueprint:
    """Everything below /sign, /verify and /api/verify, with its methods."""
    room = Room("signing", __name__, template_folder=str(ROOM / "templates"), static_folder=str(ROOM / "static"))

    room.add_app_template_filter(told, "told")

    @room.record
    def install(state: BlueprintSetupState) -> None:
        state.app.extensions[EXTENSION] = services

    add = room.add_url_rule
    add("/sign", view_func=desk.show_desk)
    add("/sign/sign-in", view_func=sign_in.begin_sign_in, methods=["POST"])
    add("/sign/callback", view_func=provider_answers.signed_in)
    add("/sign/authorized", view_func=provider_answers.authorized)
    add("/sign/backchannel-logout", view_func=provider_answers.backchannel_logout, methods=["POST"])
    add("/sign/sign-out", view_func=sign_in.sign_out, methods=["POST"])
    add("/sign/documents", view_func=desk.upload, methods=["POST"])
    add("/sign/documents/<document_id>", view_func=desk.show_document)
    add("/sign/documents/<document_id>/sign", view_func=desk.ask, methods=["POST"])
    add("/sign/documents/<document_id>/complete", view_func=desk.complete, methods=["POST"])
    add("/sign/documents/<document_id>/remove", view_func=desk.remove, methods=["POST"])
    add("/sign/documents/<document_id>/uploaded.pdf", view_func=desk.uploaded_file)
    add("/sign/documents/<document_id>/signed.pdf", view_func=desk.signed_file)
    add("/verify", view_func=verify.show_verifier)
    add("/verify", "verify_file", view_func=verify.verify_file, methods=["POST"])
    add("/verify/<reference>", view_func=verify.show_reference)
    add("/api/verify", view_func=verify.api_verify, methods=["POST"])
    return room


def services_of(app: Flask) -> SigningServices:
    """What this application's desk was given; for the jobs beside its requests."""
    given: SigningServices = app.extensions[EXTENSION]
    return given


def guards() -> Mapping[str, Guard]:
    """For `core.web.Web.guards`."""
    return {SIGNER: require_officer}
