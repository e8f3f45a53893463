// On every page, and no page needs it: takes a person to the error summary, leaves
// the checking of forms to the server, and lets a form be sent once at a time.
(function () {
  "use strict";

  var GUARD = 4000; // milliseconds; a form that answers with a download stays usable
  var sentAt = new WeakMap();

  function focusErrorSummary() {
    var summary = document.querySelector("[data-error-summary]");
    if (summary) summary.focus();
  }

  // The page's own answer, in its own language, instead of the browser's.
  function leaveChecksToTheServer() {
    document.querySelectorAll("form").forEach(function (form) { form.noValidate = true; });
  }

  // A double click sends one form. The server is safe against two; the person is spared the second page.
  function guardAgainstDoubleSubmit(event) {
    if (event.defaultPrevented) return;
    var form = event.target;
    var button = event.submitter;
    if (Date.now() - (sentAt.get(form) || -GUARD) < GUARD) {
      event.preventDefault();
      return;
    }
    sentAt.set(form, Date.now());
    if (!button) return;
    button.setAttribute("aria-busy", "true");
    setTimeout(function () { button.removeAttribute("aria-busy"); }, GUARD);
  }

  // Back to a page that the browser kept: its forms can be sent again.
  function forgetWhatWasSent(event) {
    if (!event.persisted) return;
    sentAt = new WeakMap();
    document.querySelectorAll("[aria-busy]").forEach(function (each) { each.removeAttribute("aria-busy"); });
  }

  focusErrorSummary();
  leaveChecksToTheServer();
  document.addEventListener("submit", guardAgainstDoubleSubmit);
  window.addEventListener("pageshow", forgetWhatWasSent);
})();
