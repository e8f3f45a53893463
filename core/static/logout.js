// OpenID Connect Front-Channel Logout: once every service's page has answered, or after three seconds, on to where the
// person wanted to go. After Back the page stays, with its link.
(function () {
  "use strict";
  var onward = document.querySelector("a[data-onward]");
  var arrival = performance.getEntriesByType ? performance.getEntriesByType("navigation")[0] : null;
  if (!onward || (arrival && arrival.type === "back_forward")) return;
  var gone = false;
  function go() {
    if (!gone) location.assign(onward.href);
    gone = true;
  }
  addEventListener("load", go); // which waits for the frames
  setTimeout(go, 3000);
})();
