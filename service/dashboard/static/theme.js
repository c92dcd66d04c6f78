// Light, dark, or as the system has it. Runs before the page is drawn, so that nothing flashes.
"use strict";
(() => {
  const choices = ["auto", "light", "dark"];
  const names = { auto: "as the system has them", light: "light", dark: "dark" };
  const signs = { auto: "◐", light: "☀", dark: "☾" };
  const root = document.documentElement;

  const stored = () => {
    try {
      return choices.find((each) => each === localStorage.getItem("frs-theme")) || "auto";
    } catch {
      return "auto"; // storage is forbidden: the choice lasts as long as the page
    }
  };
  const apply = (choice) => {
    root.dataset.theme = choice;
    const button = document.getElementById("theme");
    if (!button) return;
    button.textContent = signs[choice];
    button.setAttribute("aria-label", `Colours: ${names[choice]}`);
    document.dispatchEvent(new CustomEvent("frs:theme"));
  };

  apply(stored());
  document.addEventListener("DOMContentLoaded", () => {
    apply(root.dataset.theme);
    document.getElementById("theme").addEventListener("click", () => {
      const next = choices[(choices.indexOf(root.dataset.theme) + 1) % choices.length];
      try {
        localStorage.setItem("frs-theme", next);
      } catch {
        // as above
      }
      apply(next);
    });
  });
})();
