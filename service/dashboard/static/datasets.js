// Adds data sets: an archive is sent as it is, with its progress; a folder is named. Leaves the page of a deleted one.
"use strict";
(() => {
  const API = "/api/v1/datasets";
  const token = () => document.querySelector('meta[name="csrf-token"]')?.content;

  const fieldsOf = (form) => {
    const found = {};
    for (const [name, value] of new FormData(form)) {
      if (name !== "file" && value.trim() !== "") found[name] = value.trim();
    }
    return found;
  };
  const request = (form) => {
    const fields = fieldsOf(form);
    if (form.dataset.datasetForm === "upload") {
      return { url: `${API}/upload?${new URLSearchParams(fields)}`, type: "application/octet-stream", body: form.elements.file.files[0] };
    }
    if (fields.options) fields.options = JSON.parse(fields.options);
    return { url: API, type: "application/json", body: JSON.stringify(fields) };
  };
  const send = ({ url, type, body }, watch) =>
    new Promise((resolve, reject) => {
      const sending = new XMLHttpRequest(); // fetch tells nothing of what was sent so far
      sending.open("POST", url);
      sending.setRequestHeader("Content-Type", type);
      if (token()) sending.setRequestHeader("X-CSRF-Token", token());
      sending.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) watch(event.loaded / event.total);
      });
      sending.addEventListener("error", () => reject(new Error("the server cannot be reached, or refused the archive")));
      sending.addEventListener("load", () => {
        let found = {};
        try {
          found = JSON.parse(sending.responseText);
        } catch {
          found = { detail: `the server answered ${sending.status}` }; // not ours, as of a proxy
        }
        if (sending.status < 300) resolve(found);
        else reject(new Error(found.detail));
      });
      sending.send(body);
    });

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-dataset-form]");
    if (!form) return;
    event.preventDefault();
    const [button, bar, said] = ["button[type=submit]", "progress", ".said"].map((part) => form.querySelector(part));
    const isUpload = form.dataset.datasetForm === "upload";
    const tell = (words, isBad) => {
      said.textContent = words;
      said.classList.toggle("bad", isBad);
    };
    button.disabled = true;
    bar.hidden = !isUpload;
    tell(isUpload ? "Sending" : "", false);
    try {
      const made = await send(request(form), (share) => {
        bar.value = share;
        tell(share < 1 ? `${Math.round(100 * share)} % sent` : "Sent; it is being stored", false);
      });
      location.assign(`/datasets/${encodeURIComponent(made.dataset)}?version=${made.number ?? made.id}`);
    } catch (error) {
      tell(error instanceof SyntaxError ? `The options are not JSON: ${error.message}` : error.message, true);
      bar.hidden = true;
    } finally {
      button.disabled = false;
    }
  });

  // The page of what was deleted would answer 404.
  document.addEventListener("frs:done", (event) => {
    const place = event.target.dataset.leave;
    if (place) location.assign(place);
  });
})();
