"""The pages of an interaction: one address, one step at a time.

`/interaction/<id>` shows whatever is to be asked next and takes the answer, so a reload, a Back, a second tab and a
double click all meet the page that is due now. After each step the person goes back to whoever asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup, escape

from core import i18n, web
from core.errors import PersonError
from core.web import ANYONE, callers, page
from idp.interaction import approval, consent, leaving, login, signed_in, step_up
from idp.interaction.approval_views import add_doors
from idp.interaction.ending import ended
from idp.interaction.services import InteractionServices
from idp.interaction.visit import Visit, load_visit

Form = Mapping[str, str]

THAI = re.compile("[\u0e00-\u0e7f](?:[^A-Za-z]*[\u0e00-\u0e7f0-9)])?")  # a run: up to the next Latin letter
SOMEBODY_ELSE = (
    "Somebody else has signed in here since this page was opened. Nothing was decided. Please read the page again."
)

PAGES: Mapping[str, Callable[[Visit], Mapping[str, object]]] = {
    "login": login.context,
    "select_account": login.context,
    "raise_identity": leaving.level_context,
    "step_up": step_up.context,
    "consent": consent.context,
    "approve": approval.context,
}


def blueprint(services: InteractionServices) -> Blueprint:
    pages = Blueprint("interaction", __name__, template_folder="templates")
    pages.add_app_template_filter(in_fours)
    pages.add_app_template_filter(in_its_language)
    add_doors(pages, services)

    @pages.get("/sign-in")
    @callers(ANYONE)
    def sign_in() -> ResponseReturnValue:
        """The way in for those who come from no agency."""
        return_to = web.local_path(request.args.get("return_to", ""), "/me")[:2000]
        if services.prompting.is_enough({}, signed_in.current(services)):
            return redirect(return_to, 303)
        with services.ground.database.write() as connection:
            begun = services.interactions.begin_local(connection, return_to=return_to, demand={})
        return redirect(f"/interaction/{begun}", 303)

    @pages.get("/interaction/<interaction_id>")
    @callers(ANYONE)
    def show(interaction_id: str) -> ResponseReturnValue:
        visit = load_visit(services, interaction_id)
        return ended(visit) or due_page(visit)

    @pages.post("/interaction/<interaction_id>")
    @callers(ANYONE)
    def take(interaction_id: str) -> ResponseReturnValue:
        visit = load_visit(services, interaction_id)
        if request.form.get("step") == "leave":
            return leaving.leave(visit)
        return ended(visit) or take_step(visit)

    return pages


def due_page(visit: Visit, *, error: str = "", status: int = 200) -> ResponseReturnValue:
    """The page of the prompt that is due; nothing due leads back to whoever asked."""
    if visit.asked is None:
        return redirect(visit.onward if visit.request else visit.progress.return_to, 303)
    if visit.request is not None and not visit.is_decoupled:
        web.allow_form_action(visit.request.redirect_uri)
    values: dict[str, object] = {"errors": {"": error} if error else {}, "sandbox_users": sandbox_users(visit)}
    values |= PAGES[visit.asked.prompt](visit)
    return page(f"interaction/{visit.asked.prompt}.html", status, visit=visit, **values)


def take_step(visit: Visit) -> ResponseReturnValue:
    """A refused step shows the due page again, with the reason; an unknown or outdated one just leads on."""
    step = STEPS.get(request.form.get("step", ""))
    if step is None or visit.asked is None:
        return redirect(visit.onward, 303)
    if request.form.get("seen_by", visit.seen_by) != visit.seen_by:
        return due_page(visit, error=gettext(SOMEBODY_ELSE), status=409)
    try:
        step(visit, request.form)
    except PersonError as error:
        return due_page(visit, error=gettext(error.message, **error.values), status=error.status)
    return redirect(visit.onward, 303)


def passkey_step(visit: Visit, form: Form) -> None:
    use_credential(visit, form.get("credential", ""))


def sandbox_step(visit: Visit, form: Form) -> None:
    options = step_up.options(visit) if is_step_up(visit) else login.options(visit)
    use_credential(visit, login.sandbox_credential(visit, form.get("user", ""), options))


def use_credential(visit: Visit, credential_json: str) -> None:
    if is_step_up(visit):
        step_up.step_up_with_passkey(visit, credential_json)
    else:
        login.sign_in_with_passkey(visit, credential_json)


def is_step_up(visit: Visit) -> bool:
    return visit.asked is not None and visit.asked.prompt == "step_up"


def account_step(visit: Visit, _form: Form) -> None:
    if visit.session is not None:
        visit.note(account_chosen=True)


def level_step(visit: Visit, _form: Form) -> None:
    if visit.session is not None:
        visit.note(level_accepted=True)


def consent_step(visit: Visit, form: Form) -> None:
    """From a stale tab, when something else is due by now, it does nothing and the due page is shown."""
    if visit.asked is None or visit.asked.prompt != "consent":
        return
    if form.get("decision") == "allow":
        consent.allow(visit)
    else:
        consent.deny(visit)


def approve_step(visit: Visit, form: Form) -> None:
    """Only what is due by now: another person in this tab, or a level that has decayed, is asked for first."""
    if visit.asked is None or visit.asked.prompt != "approve":
        return
    if form.get("decision") == "approve":
        approval.approve(visit)
    elif form.get("decision") == "deny":
        approval.deny(visit)


STEPS: Mapping[str, Callable[[Visit, Form], None]] = {
    "passkey": passkey_step,
    "sandbox": sandbox_step,
    "account": account_step,
    "level": level_step,
    "consent": consent_step,
    "approve": approve_step,
}


def sandbox_users(visit: Visit) -> list[tuple[str, str]]:
    sandbox = visit.services.sandbox
    return list(sandbox.users()) if sandbox is not None else []


def in_its_language(text: str) -> Markup:
    """WCAG 2.2, 3.1.2: what an agency or a register wrote in Thai, on a page that is not."""
    if i18n.language() == "th":
        return escape(text)
    parts, end = [], 0
    for run in THAI.finditer(text):
        parts += [escape(text[end : run.start()]), Markup('<span lang="th">{}</span>').format(run[0])]
        end = run.end()
    return Markup("").join((*parts, escape(text[end:])))


def in_fours(text: str) -> str:
    """A hash as people compare it: in groups of four, which also break over lines."""
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))
