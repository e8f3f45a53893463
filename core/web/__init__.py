"""The web's manners, the same for every page and endpoint: headers and a strict Content-Security-Policy, cross-site
request forgery, the language switch, error pages, who may call what.
"""

from core.web.callers import ANYONE, BEARER, CLIENT, callers, check_callers, machine, reads_raw, takes_upload
from core.web.cookies import cookie_name, delete_cookie, get_cookie, set_cookie
from core.web.csrf import StaleForm, csrf_field
from core.web.error_pages import error_page
from core.web.headers import allow_form_action, allow_frame, allow_source
from core.web.installed import Guard, Web, current_view, current_web
from core.web.language import local_path
from core.web.pages import page
from core.web.requests import client_certificate, install, is_in, source
from core.web.static_files import static

__all__ = [
    "ANYONE",
    "BEARER",
    "CLIENT",
    "Guard",
    "StaleForm",
    "Web",
    "allow_form_action",
    "allow_frame",
    "allow_source",
    "callers",
    "check_callers",
    "client_certificate",
    "cookie_name",
    "csrf_field",
    "current_view",
    "current_web",
    "delete_cookie",
    "error_page",
    "get_cookie",
    "install",
    "is_in",
    "local_path",
    "machine",
    "page",
    "reads_raw",
    "set_cookie",
    "source",
    "static",
    "takes_upload",
]
