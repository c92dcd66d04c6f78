// Sends what a button's or form's data-action says, and tells what came of it. Fills in `then` with the new thing's id.
"use strict";
(() => {
  const tell = (words, isProblem) => {
    let notice = document.getElementById("notice");
    if (!notice) {
      notice = document.createElement("div");
      notice.id = "notice";
      notice.setAttribute("role", "alert");
      document.body.append(notice);
    }
    notice.className = isProblem ? "toast problem" : "toast";
    notice.textContent = words;
    window.clearTimeout(notice.timer);
    notice.timer = window.setTimeout(() => notice.remove(), isProblem ? 12000 : 4000);
  };
  const send = async ({ action, body }) => {
    const [method, path] = action.split(" ");
    const token = document.querySelector('meta[name="csrf-token"]');
    const answer = await fetch(path, {
      method,
      headers: {
        ...(token ? { "X-CSRF-Token": token.content } : {}),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      body,
    });
    const found = answer.status === 204 ? {} : await answer.json();
    if (answer.ok) return found;
    const words = found.detail || `the server answered ${answer.status}`;
    throw Object.assign(new Error(words), { status: answer.status, faults: found.errors || [] });
  };
  const refresh = () => {
    const live = document.getElementById("live");
    if (live) htmx.trigger(live, "sse:message");
  };
  const finish = (button, found) => {
    if (button.dataset.then) location.assign(button.dataset.then + found.id);
    else tell(`${button.textContent}: done`, false);
    button.dispatchEvent(new CustomEvent("frs:done", { bubbles: true }));
    const part = button.closest("details");
    if (part) {
      part.removeAttribute("open");
      part.querySelector("summary").focus();
    }
    refresh();
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-action]");
    if (!button || (button.dataset.confirm && !window.confirm(button.dataset.confirm))) return;
    button.disabled = true;
    try {
      finish(button, await send(button.dataset));
    } catch (error) {
      tell(`${button.textContent}: ${error.message}`, true);
      if (error.status === 409) refresh(); // the page showed what is no longer so
    } finally {
      button.disabled = false;
    }
  });

  // A form is sent as JSON: a box is true or false, an empty field null; the server says what is no number.
  const valueOf = (field) => {
    if (field.type === "checkbox") return field.checked;
    const text = field.value.trim();
    return /^-?\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : text || null;
  };
  const bodyOf = (fields) => JSON.stringify(Object.fromEntries(fields.map((field) => [field.name, valueOf(field)])));
  const lineOf = ({ field, message, value }) => `${field}: ${message}${value == null ? "" : `; got ${value}`}`;
  const mark = (form, fields, words, faults) => {
    form.querySelector(".fault").textContent = faults.length > 1 ? faults.map(lineOf).join("\n") : words;
    const named = new Set(faults.map((fault) => fault.field));
    fields.forEach((field) => field.removeAttribute("aria-invalid"));
    const wrong = fields.filter((field) => named.has(field.name));
    wrong.forEach((field) => field.setAttribute("aria-invalid", "true"));
    wrong[0]?.focus();
  };
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-action]");
    if (!form) return;
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    form.ariaBusy = "true"; // a disabled button would lose the focus
    const fields = [...form.elements].filter((field) => field.name);
    try {
      const found = await send({ action: form.dataset.action, body: bodyOf(fields) });
      mark(form, fields, "", []);
      finish(event.submitter, found);
    } catch (error) {
      mark(form, fields, error.message, error.faults || []);
    } finally {
      form.ariaBusy = null;
    }
  });

  // A menu stands over everything, also over the edge of the table that it belongs to.
  const place = (menu) => {
    const choices = menu.querySelector(".choices");
    const button = menu.querySelector("summary").getBoundingClientRect();
    choices.style.position = "fixed";
    choices.style.right = `${Math.max(8, document.documentElement.clientWidth - button.right)}px`;
    const below = button.bottom + choices.offsetHeight + 8 < innerHeight;
    choices.style.top = `${below ? button.bottom + 4 : Math.max(8, button.top - choices.offsetHeight - 4)}px`;
  };
  document.addEventListener(
    "toggle",
    (event) => {
      if (event.target.matches?.("details.menu[open]")) place(event.target);
    },
    true,
  );
  document.addEventListener(
    "scroll",
    () => document.querySelectorAll("details.menu[open]").forEach(place),
    true,
  );

  // A menu closes when something else is clicked, or with Escape.
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.removeAttribute("open");
    });
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.removeAttribute("open");
    menu.querySelector("summary").focus();
  });
})();
