// The list of experiments: its address says what it shows, and live updates ask for that address.
"use strict";
(() => {
  const MENUS = "details.menu";
  let searching = false; // the newest entry of the history is a search that is still being typed
  htmx.config.refreshOnHistoryMiss = true;

  const tidy = (form, parameters) => {
    const columns = [...form.querySelectorAll("input[name=columns]:checked")].map((box) => box.value).join(",");
    if (columns && columns !== form.dataset.usualColumns) parameters.columns = columns;
    else delete parameters.columns;
    if (!parameters.search) delete parameters.search;
  };
  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, parameters } = event.detail;
    if (elt.id === "live") event.detail.path = location.pathname + location.search;
    if (elt.id === "filters") tidy(elt, parameters);
  });

  document.addEventListener("htmx:beforeHistoryUpdate", (event) => {
    const { elt, triggeringEvent } = event.detail.requestConfig;
    const typed = elt.id === "filters" && triggeringEvent?.type === "input";
    if (typed && searching) event.detail.history.type = "replace";
    searching = typed;
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.id === "search") searching = false;
  });

  const close = (except) => document.querySelectorAll(`${MENUS}[open]`).forEach((menu) => {
    if (menu !== except) menu.open = false;
  });
  document.addEventListener("click", (event) => {
    const menu = event.target.closest(MENUS);
    close(menu && !event.target.closest(`${MENUS} a`) ? menu : null);
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest(MENUS);
    if (!menu || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
})();
