// A passkey ceremony is an ordinary form: this script asks the authenticator, fills the hidden field `credential` with
// the JSON of Web Authentication Level 3 (RegistrationResponseJSON, AuthenticationResponseJSON) and sends the form.
//
//   <form method="post" data-passkey="create|get" data-options='{{ options_json }}' [data-passkey-autofill]
//         [data-address="where to go on in another browser, when that is not this page's address"]>
//     {{ csrf_field() }}<input type="hidden" name="credential"> … <button type="submit">
//
// What is said stands in the element #passkey-texts, in the page's language (core/templates/core/passkey_texts.html).
(() => {
  "use strict";

  const IN_APP = /\bLine\/|FBAN|FBAV|FB_IAB|Instagram|MicroMessenger|BytedanceWebview|musical_ly|TikTok|Twitter|; wv\)/i;
  const PROBLEMS = {
    NotAllowedError: "cancelled",
    InvalidStateError: "alreadyRegistered",
    SecurityError: "notAllowedHere",
    NotSupportedError: "notSuitable",
    ConstraintError: "notSuitable",
  };
  const texts = document.getElementById("passkey-texts").dataset;

  // ---- WebAuthn Level 3 JSON, with what older browsers lack (sections 5.1.3, 5.1.8, 5.1.9)

  function fromBase64url(text) {
    const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0)).buffer;
  }

  function toBase64url(buffer) {
    let binary = "";
    for (const byte of new Uint8Array(buffer)) binary += String.fromCharCode(byte);
    return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function withBytes(descriptors) {
    return (descriptors || []).map((each) => Object.assign({}, each, { id: fromBase64url(each.id) }));
  }

  function parseCreationOptions(json) {
    if (PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(json);
    return Object.assign({}, json, {
      challenge: fromBase64url(json.challenge),
      user: Object.assign({}, json.user, { id: fromBase64url(json.user.id) }),
      excludeCredentials: withBytes(json.excludeCredentials),
    });
  }

  function parseRequestOptions(json) {
    if (PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(json);
    return Object.assign({}, json, {
      challenge: fromBase64url(json.challenge),
      allowCredentials: withBytes(json.allowCredentials),
    });
  }

  function responseToJSON(response) {
    const json = { clientDataJSON: toBase64url(response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[name]) json[name] = toBase64url(response[name]);
    }
    if (response.getTransports) json.transports = response.getTransports();
    return json;
  }

  function credentialToJSON(credential) {
    try {
      return credential.toJSON();
    } catch (error) { // absent, or a password manager's imitation
      return {
        id: credential.id,
        rawId: toBase64url(credential.rawId),
        type: credential.type,
        authenticatorAttachment: credential.authenticatorAttachment || undefined,
        clientExtensionResults: credential.getClientExtensionResults(),
        response: responseToJSON(credential.response),
      };
    }
  }

  // ---- the ceremony

  let autofill = null; // the running conditional request: { controller, done }

  async function stopAutofill() {
    if (!autofill) return;
    autofill.controller.abort();
    await autofill.done;
    autofill = null;
  }

  function ask(form) {
    const given = JSON.parse(form.dataset.options);
    const json = given.publicKey || given;
    if (form.dataset.passkey === "create") {
      return navigator.credentials.create({ publicKey: parseCreationOptions(json) });
    }
    return navigator.credentials.get({ publicKey: parseRequestOptions(json) });
  }

  function send(form, credential, button) {
    if (button && button.name) form.append(element("input", { type: "hidden", name: button.name, value: button.value }));
    form.elements.namedItem("credential").value = JSON.stringify(credentialToJSON(credential));
    HTMLFormElement.prototype.submit.call(form); // passes by the listener below
  }

  async function onSubmit(event) {
    const form = event.currentTarget;
    const button = event.submitter;
    if (button && button.hasAttribute("data-no-passkey")) return; // "cancel" and the like
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return; // a double click
    setBusy(form, true);
    try {
      await stopAutofill();
      send(form, await ask(form), button);
    } catch (error) {
      setBusy(form, false);
      showProblem(form, problemOf(error, form));
    }
  }

  // Passkeys offered in the user name field's own list, where the browser can (section 5.1.4, conditional mediation).
  async function offerAutofill(form) {
    const known = PublicKeyCredential.isConditionalMediationAvailable;
    if (!known || !(await PublicKeyCredential.isConditionalMediationAvailable())) return;
    const given = JSON.parse(form.dataset.options);
    const controller = new AbortController();
    const request = navigator.credentials.get({
      publicKey: parseRequestOptions(given.publicKey || given),
      mediation: "conditional",
      signal: controller.signal,
    });
    const done = request.then((credential) => send(form, credential), () => {}); // dismissed: the button is still there
    autofill = { controller, done };
  }

  // ---- what the person sees

  function problemOf(error, form) {
    if (isEmbedded()) return "embedded";
    if (error.name === "InvalidStateError" && form.dataset.passkey !== "create") return "failed";
    return PROBLEMS[error.name] || "failed";
  }

  // In another app's window (LINE, Facebook …) passkeys mostly do not work. WKWebView does not call itself Safari.
  function isEmbedded() {
    const agent = navigator.userAgent;
    return IN_APP.test(agent) || (/iPhone|iPad|iPod/.test(agent) && !/Safari\//.test(agent));
  }

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function setBusy(form, busy) {
    const old = form.querySelector(".prajak-passkey-waiting, .prajak-passkey-problem");
    if (old) old.remove();
    form.setAttribute("aria-busy", String(busy));
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-busy", String(busy));
    if (busy) place(form, element("p", { className: "govuk-hint prajak-passkey-waiting", role: "status" }, texts.waiting));
  }

  function showProblem(form, problem) {
    const body = element("div", { className: "prajak-notice__body" });
    body.append(element("p", { className: "prajak-notice__text" }, texts[problem]));
    if (problem === "embedded") body.append(...waysOut(form));
    const notice = element("div", { className: "prajak-notice prajak-notice--error prajak-passkey-problem", id: "passkey-problem" });
    notice.setAttribute("role", "alert");
    notice.dataset.problem = problem;
    const icon = element("span", { className: "prajak-notice__icon" });
    icon.setAttribute("aria-hidden", "true");
    notice.append(icon, body);
    place(form, notice);
  }

  function place(form, node) {
    const button = form.querySelector("button");
    const group = button && button.closest(".govuk-button-group");
    form.insertBefore(node, group || (button && button.parentElement === form ? button : null));
  }

  // A link that leads out of the app, where one is known, and the address to copy in any case.
  function waysOut(form) {
    const address = new URL(form.dataset.address || location.href, location.href);
    const field = element("input", { className: "govuk-input", readOnly: true, value: address.href });
    field.setAttribute("aria-label", texts.address);
    const copy = element("button", { className: "govuk-button govuk-button--secondary", type: "button" }, texts.copy);
    copy.addEventListener("click", async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
      } catch (error) {
        document.execCommand("copy");
      }
      copy.textContent = texts.copied;
    });
    const link = element("a", { className: "govuk-button", href: outside(address) }, texts.open);
    return outside(address) ? [link, field, copy] : [field, copy];
  }

  function outside(address) {
    if (/\bLine\//.test(navigator.userAgent)) {
      const url = new URL(address.href);
      url.searchParams.set("openExternalBrowser", "1"); // LINE's own way out
      return url.href;
    }
    if (/Android/.test(navigator.userAgent)) {
      const scheme = address.protocol.slice(0, -1);
      return `intent://${address.host}${address.pathname}${address.search}#Intent;scheme=${scheme};action=android.intent.action.VIEW;end`;
    }
    return "";
  }

  // ---- begin

  const forms = Array.from(document.querySelectorAll("form[data-passkey]"));
  for (const form of forms) {
    form.elements.namedItem("credential").value = ""; // a browser may have restored a spent one
    form.addEventListener("submit", onSubmit);
    if (!window.PublicKeyCredential) showProblem(form, isEmbedded() ? "embedded" : "unsupported");
  }
  const withAutofill = forms.find((form) => form.hasAttribute("data-passkey-autofill"));
  if (withAutofill && window.PublicKeyCredential) offerAutofill(withAutofill).catch(() => {});

  window.addEventListener("pageshow", (event) => {
    if (event.persisted) for (const form of forms) setBusy(form, false);
  });
})();
