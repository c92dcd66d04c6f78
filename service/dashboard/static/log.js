// The log follows its end, as long as a person is there: who reads above it, or goes back, is left alone.
"use strict";
(() => {
  const ID = "log-lines";
  const panes = () => [...document.querySelectorAll(`#${ID} pre`)];
  const atEnd = (pane) => pane.scrollTop + pane.clientHeight >= pane.scrollHeight - 24;

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.id !== ID || event.detail.requestConfig.triggeringEvent?.type !== "stale") return;
    const all = panes();
    if (all.length > 1 || (all.length === 1 && !atEnd(all[0]))) event.preventDefault();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== ID) return;
    panes().forEach((pane) => {
      pane.scrollTop = pane.scrollHeight;
    });
  });
})();
