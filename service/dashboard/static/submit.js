// The submit page: shows what the check found beside each field, copies, and keeps Enter from submitting.
"use strict";
(() => {
  const one = (id) => document.getElementById(id);
  const form = () => one("draft");

  // What a fault is about is marked; what lies in a closed part is counted at its summary.
  const mark = () => {
    const verdict = one("verdict");
    if (!verdict) return;
    document.querySelectorAll("#draft .fault[id]").forEach((place) => { place.textContent = ""; });
    document.querySelectorAll("#draft [aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
    document.querySelectorAll("#draft details[data-faults]").forEach((part) => part.removeAttribute("data-faults"));
    verdict.querySelectorAll("[data-element]").forEach((line) => {
      const field = one(line.dataset.element);
      if (!field) return;
      if (field.matches("input, select, textarea")) field.setAttribute("aria-invalid", "true");
      const place = one(`${field.id}-fault`);
      if (place) place.textContent = [place.textContent, line.dataset.message].filter(Boolean).join("; ");
      for (let part = field.closest("details"); part; part = part.parentElement.closest("details")) {
        part.dataset.faults = Number(part.dataset.faults || 0) + 1;
      }
    });
    const said = verdict.querySelector("[data-status]");
    one("status").textContent = said ? said.dataset.status : "";
  };

  // Of a union only the chosen type's fields are shown.
  const choose = () => {
    document.querySelectorAll("#draft [data-presence=union]").forEach((part) => {
      const chosen = part.querySelector("select").value;
      part.querySelectorAll("[data-of]").forEach((field) => {
        field.hidden = !field.dataset.of.split(" ").includes(chosen);
      });
    });
  };

  const reveal = (target) => {
    for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
    target.scrollIntoView({ block: "center" });
    target.focus({ preventScroll: true });
  };
  const selectLine = (text, number) => {
    const lines = text.value.split("\n");
    const start = lines.slice(0, number - 1).join("\n").length + (number > 1 ? 1 : 0);
    text.setSelectionRange(start, start + lines[number - 1].length);
  };

  const select = (source) => {
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  };
  const copy = async (button) => {
    const source = one(button.dataset.copy);
    let copied;
    try {
      await navigator.clipboard.writeText(source.textContent);
      copied = true;
    } catch {
      select(source); // not allowed, or no secure address: the old way, and the text stays selected
      copied = document.execCommand("copy");
    }
    button.textContent = copied ? "Copied" : "Press Ctrl C";
    one("status").textContent = button.textContent;
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };

  const complain = (text) => {
    const said = document.createElement("p");
    said.className = "problem";
    said.setAttribute("role", "alert");
    said.textContent = text;
    one("verdict").replaceChildren(said);
  };
  const detailOf = (text) => {
    try {
      return JSON.parse(text).detail;
    } catch {
      return undefined; // not a problem of ours, as of a proxy
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    const link = event.target.closest("#verdict a[href^='#']");
    const target = link && one(decodeURIComponent(link.hash.slice(1)));
    if (!target) return;
    event.preventDefault();
    reveal(target);
    if (link.dataset.line) selectLine(target, Number(link.dataset.line));
  });
  document.addEventListener("change", choose);
  // What was typed before the data were looked at is in that check: the quick one must not take its place.
  let typedAt = 0;
  let lookedAt = -1;
  document.addEventListener("input", () => { typedAt = performance.now(); });
  document.addEventListener("htmx:confirm", (event) => {
    if (event.detail.elt.id === "check-data") lookedAt = performance.now();
    if (event.detail.elt.id === "verdict" && typedAt < lookedAt) event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.closest("#draft")) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      form().requestSubmit(one("submit"));
    } else if (event.target.matches("input, select")) {
      event.preventDefault(); // a whole experiment is not submitted by an Enter in one of its fields
      htmx.trigger(one("verdict"), "frs:check");
    }
  });
  document.addEventListener("htmx:afterSettle", () => {
    choose();
    mark();
  });
  document.addEventListener("htmx:responseError", (event) => {
    const { status, responseText } = event.detail.xhr;
    if (form()) complain(detailOf(responseText) || `The server answered ${status}: nothing was checked.`);
  });
  document.addEventListener("htmx:sendError", () => {
    if (form()) complain("The server cannot be reached: nothing was checked.");
  });
  document.addEventListener("DOMContentLoaded", () => {
    choose();
    const refusal = one("refusal");
    if (refusal) refusal.focus();
  });
})();
