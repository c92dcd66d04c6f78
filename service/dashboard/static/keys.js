// The keyboard: / searches, j and k walk the rows, Enter opens one, ? tells.
"use strict";
(() => {
  const typing = (target) => target.matches("input, textarea, select, [contenteditable]");
  const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
  const places = { e: "/", w: "/workers", f: "/storage", s: "/submit", c: "/compare", d: "/datasets" };
  let leading = false;
  // On a narrow screen the row of pages is cut off: show where one is.
  document.querySelector(".places [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  const walk = (step) => {
    const all = rows();
    if (!all.length) return;
    const now = all.findIndex((row) => row.getAttribute("aria-selected") === "true");
    const next = all[Math.min(all.length - 1, Math.max(0, now < 0 ? (step > 0 ? 0 : all.length - 1) : now + step))];
    all.forEach((row) => row.setAttribute("aria-selected", String(row === next)));
    const link = next.querySelector("a[href]");
    if (link) link.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };
  const help = () => {
    const dialog = document.getElementById("shortcuts");
    if (dialog.open) dialog.close();
    else dialog.showModal();
  };
  const leaveAccount = () => document.getElementById("account")?.removeAttribute("open");
  const actions = {
    "/": () => document.querySelector("input[type=search]")?.focus(),
    j: () => walk(1),
    k: () => walk(-1),
    p: () => document.dispatchEvent(new CustomEvent("frs:pause")),
    "?": help,
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") leaveAccount();
    if (event.key === "Escape" && typing(event.target)) event.target.blur();
    if (typing(event.target)) return;
    if (leading) {
      leading = false;
      if (places[event.key]) location.assign(places[event.key]);
      return;
    }
    leading = event.key === "g";
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  });
  document.addEventListener("click", (event) => {
    if (event.target.id === "help") help();
    if (!event.target.closest("#account")) leaveAccount();
  });
})();
