// Says in the header whether the page is kept current.
"use strict";
(() => {
  const say = (state) => {
    const sign = document.getElementById("connection");
    sign.dataset.state = state;
    sign.textContent = state;
  };
  document.addEventListener("htmx:sseOpen", () => say("live"));
  document.addEventListener("htmx:sseError", () => say("reconnecting"));
  // A page that slept has missed events that are no longer sent: look again.
  document.addEventListener("htmx:sseOpen", () => {
    const live = document.getElementById("live");
    if (live && live.dataset.opened) htmx.trigger(live, "sse:message");
    if (live) live.dataset.opened = "true";
  });
})();
