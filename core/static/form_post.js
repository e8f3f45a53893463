// OAuth 2.0 Form Post Response Mode: sends the answer on. After Back the page stays, with its button.
(function () {
  "use strict";
  var form = document.querySelector("form[data-form-post]");
  var arrival = performance.getEntriesByType ? performance.getEntriesByType("navigation")[0] : null;
  if (form && !(arrival && arrival.type === "back_forward")) HTMLFormElement.prototype.submit.call(form);
})();
