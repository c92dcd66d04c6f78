// Keeps the page current: one stream of events while it is seen, none while it is hidden or paused.
"use strict";
(() => {
  const LIVE = "#live";
  let paused = false;
  let missed = false;
  const sources = new Set();
  const asleep = () => paused || document.hidden;

  const say = (state) => {
    const sign = document.getElementById("connection");
    sign.hidden = false;
    sign.dataset.state = state;
    sign.textContent = state;
    sign.setAttribute("aria-pressed", String(paused));
  };

  // An EventSource that can sleep: what it has missed is seen when the page is looked at anew.
  class Source extends EventTarget {
    constructor(url) {
      super();
      this.url = url;
      this.readyState = EventSource.CONNECTING;
      sources.add(this);
      if (asleep()) missed = true;
      else this.wake();
    }

    wake() {
      if (this.inner || this.closed) return;
      this.inner = new EventSource(this.url);
      this.inner.onopen = (event) => {
        this.readyState = EventSource.OPEN;
        if (this.onopen) this.onopen(event);
      };
      this.inner.onerror = () => {
        this.readyState = this.inner ? this.inner.readyState : EventSource.CLOSED;
        if (this.readyState === EventSource.CLOSED) sources.delete(this); // another takes its place
        if (this.onerror) this.onerror(); // without the event, which htmx would log: the browser did
      };
      this.inner.onmessage = (event) =>
        this.dispatchEvent(new MessageEvent("message", { data: event.data, lastEventId: event.lastEventId }));
    }

    sleep() {
      if (this.inner) this.inner.close();
      this.inner = undefined;
    }

    close() {
      this.closed = true;
      this.readyState = EventSource.CLOSED;
      this.sleep();
      sources.delete(this);
    }
  }
  htmx.createEventSource = (url) => new Source(url);

  const refresh = () => {
    const live = document.querySelector(LIVE);
    if (live) htmx.trigger(live, "sse:message");
  };
  const settle = () => {
    if (!sources.size) return;
    if (asleep()) {
      sources.forEach((source) => source.sleep());
      missed = true;
      if (paused) say("paused");
    } else {
      say("connecting");
      sources.forEach((source) => source.wake());
      if (missed) refresh();
      missed = false;
    }
  };
  const toggle = () => {
    if (!sources.size) return;
    paused = !paused;
    settle();
  };

  document.addEventListener("visibilitychange", settle);
  document.addEventListener("frs:pause", toggle);
  document.addEventListener("click", (event) => {
    if (event.target.id === "connection") toggle();
  });
  let opened = false;
  document.addEventListener("htmx:sseOpen", () => {
    say("live");
    if (opened) refresh(); // a stream that broke may have missed events that are no longer sent
    opened = true;
  });
  document.addEventListener("htmx:sseError", () => {
    if (!asleep()) say("reconnecting");
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (asleep() && event.detail.elt.matches(LIVE)) {
      missed = true;
      event.preventDefault();
    }
  });

  // Where a part of a page could not be fetched, it says so.
  const excuse = (event, words) => {
    if (event.detail.target.hasAttribute("data-keep")) event.detail.target.textContent = words;
  };
  document.addEventListener("htmx:responseError", (event) => {
    let detail = `the server answered ${event.detail.xhr.status}`;
    try {
      detail = JSON.parse(event.detail.xhr.responseText).detail || detail;
    } catch {
      // it was no problem document
    }
    excuse(event, `This could not be loaded: ${detail}.`);
  });
  document.addEventListener("htmx:sendError", (event) =>
    excuse(event, "This could not be loaded: the server does not answer. Reload the page to try again."),
  );

  // What was waited for opens, or is saved, by itself.
  document.addEventListener("htmx:afterSwap", () => {
    const link = document.querySelector("a[data-opens]");
    if (!link) return;
    delete link.dataset.opens;
    link.click();
  });

  // What a person has opened, chosen or typed stays as it is.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "open" && node.tagName === "DETAILS") &&
    !(name === "style" && node.matches(".choices")) &&
    !(name === "aria-selected" && node.tagName === "TR");
  // What fetches its own content keeps it, until what it was made of is another version.
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (old, fresh) => {
    if (old.nodeType !== Node.ELEMENT_NODE) return true;
    if (old === document.activeElement && old.matches("input, select, textarea")) return false;
    if (!old.hasAttribute("data-keep")) return true;
    if (fresh.dataset && fresh.dataset.version !== old.dataset.version) {
      Object.assign(old.dataset, fresh.dataset);
      htmx.trigger(old, "stale");
    }
    return false;
  };
})();
