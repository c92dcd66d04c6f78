// One image in every panel: what is drawn follows from what was stored, the threshold and the view.
import { Panel, View, followPointer } from "./image_panels.js";

const byId = (id) => document.getElementById(id);
const viewer = byId("viewer");
const grid = byId("panels");
const maps = byId("richness");
const slider = byId("threshold");
const view = new View();
const panels = new Map([...grid.querySelectorAll(".panel")].map((figure) => [figure.dataset.panel, new Panel(figure)]));
let levels = [];
let detail;
let asked = 0;

const all = () => [...panels.values(), ...levels];
const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
const threshold = () => Number(slider.value);
const strip = () => byId("strip");
const links = () => [...strip().querySelectorAll("a[data-image]")];
const current = () => links().find((link) => link.getAttribute("aria-current"));

// ---- what is kept of the images that were fetched

const fetched = new Map();
const fetchDetail = (image) => {
  if (!fetched.has(image)) {
    const answer = fetch(`${viewer.dataset.address}${image}?${viewer.dataset.query}`).then(async (response) => {
      const body = await response.json();
      if (!response.ok) throw new Error(body.detail);
      return body;
    });
    answer.catch(() => fetched.delete(image));
    fetched.set(image, answer);
    if (fetched.size > 12) fetched.delete(fetched.keys().next().value);
  }
  return fetched.get(image);
};

// ---- what is drawn

const marksOf = (row, score) => {
  const name = (box) => detail.classes[box.class_index];
  const counted = row.boxes.filter((box) => box.score >= score);
  const found = new Set(counted.map((box) => box.truth).filter((truth) => truth !== null));
  const missed = (detail.truth ?? []).filter((box, index) => !box.ignored && !found.has(index));
  const kind = (box) => (box.ignored ? "ignored" : box.matched ? "correct" : "false");
  const drawn = counted.map((box) => ({
    box,
    mark: kind(box),
    label: box.class_index,
    words: `${kind(box) === "false" ? "✗ " : ""}${name(box)} ${box.score.toFixed(2)}`,
  }));
  drawn.sort((a, b) => a.box.score - b.box.score);
  const correct = drawn.filter((each) => each.mark === "correct").length;
  const wrong = drawn.filter((each) => each.mark === "false").length;
  return {
    marks: [
      ...missed.map((box) => ({ box, mark: "missed", label: box.class_index, words: `missed ${name(box)}` })),
      ...drawn,
    ],
    correct,
    wrong,
    missed: detail.num_boxes - correct,
  };
};

const drawTruth = () => {
  const panel = panels.get("truth");
  const count = plural(detail.num_boxes, "box", "boxes");
  if (!detail.truth) {
    panel.showBoxes([], false);
    panel.say(`${count}, not stored here`, `Ground truth: ${count}, whose places are not stored here`);
    return;
  }
  const marks = detail.truth.map((box) => ({
    box,
    mark: box.ignored ? "ignored" : "correct",
    label: box.class_index,
    words: detail.classes[box.class_index] + (box.ignored ? " (crowd)" : ""),
  }));
  panel.showBoxes(marks, byId("words").checked);
  panel.say(count, `Ground truth: ${count}`);
};

const drawRow = (row) => {
  const { marks, correct, wrong, missed } = marksOf(row, threshold());
  const shown = byId("only-errors").checked ? marks.filter((each) => ["false", "missed"].includes(each.mark)) : marks;
  const panel = panels.get(row.role);
  const errors = plural(wrong + missed, "error");
  const parts = `${missed} missed, ${wrong} false`;
  panel.showBoxes(shown, byId("words").checked);
  panel.say(`${errors}: ${parts}`, `${row.label}: ${errors}, ${parts}, ${correct} correct`);
  return `${row.label} ${errors}`;
};

const draw = () => {
  byId("threshold-said").textContent = threshold().toFixed(2);
  if (!detail) return [];
  drawTruth();
  return detail.rows.map(drawRow);
};

let looking;
const look = () => {
  cancelAnimationFrame(looking);
  looking = requestAnimationFrame(() => {
    for (const place of [grid, maps]) place.toggleAttribute("data-zoomed", view.zoom > 1);
    all().forEach((panel) => panel.look(view));
  });
};

const say = (parts) => {
  const place = links().indexOf(current()) + 1 + Number(strip().dataset.start);
  const name = current()?.dataset.name ?? detail.name;
  byId("said").textContent = `Image ${place} of ${strip().dataset.total}, ${name}: ${parts.join(", ")}`;
};

const drawLevels = () => {
  levels = detail.richness.map(({ level, url }) => {
    const figure = document.createElement("figure");
    figure.className = "panel card";
    figure.innerHTML = '<figcaption><strong></strong> <span class="count"></span></figcaption><div class="stage" tabindex="0" role="img"></div>';
    figure.querySelector("strong").textContent = `S at ${level.toUpperCase()}`;
    const panel = new Panel(figure);
    panel.showPicture(url, detail.width, detail.height);
    panel.say(`stride ${2 ** Number(level.slice(1))}`, `The score S at level ${level.toUpperCase()}, over the image`);
    return panel;
  });
  maps.replaceChildren(...levels.map((panel) => panel.figure));
  maps.hidden = byId("richness-said").hidden = !levels.length;
};

const drawClasses = () => {
  const entries = detail.classes.map((name, index) => {
    const entry = document.createElement("li");
    entry.className = `class-${index % 8}`;
    entry.append(document.createElement("span"));
    entry.firstChild.textContent = name;
    return entry;
  });
  byId("classes").replaceChildren(...(entries.length > 24 ? [] : entries));
};

const drawAll = () => {
  view.resize(detail.width, detail.height);
  panels.forEach((panel) => panel.showPicture(detail.photograph.url, detail.width, detail.height));
  const size = detail.size_is_known ? `${detail.width} × ${detail.height}` : "size not stored";
  byId("title").textContent = `${detail.name ?? `image ${detail.id}`} `;
  const told = document.createElement("span");
  told.className = "quiet";
  told.textContent = size;
  byId("title").append(told);
  byId("why").textContent = detail.photograph.reason ? `No photograph. ${detail.photograph.reason}` : "";
  byId("why").hidden = !detail.photograph.reason;
  drawClasses();
  drawLevels();
  look();
  say(draw());
};

// ---- which image is shown

const address = (changes) => {
  const url = new URL(location.href);
  for (const [key, value] of Object.entries(changes)) url.searchParams.set(key, value);
  return url;
};

// Moves the list alone; the page stays where it is.
const bringIntoStrip = (link) => {
  const [own, list] = [link.getBoundingClientRect(), strip().getBoundingClientRect()];
  if (own.top < list.top || own.bottom > list.bottom) strip().scrollTop += own.top - list.top - list.height / 3;
  if (own.left < list.left || own.right > list.right) strip().scrollLeft += own.left - list.left - 8;
};

const show = async (link) => {
  const ticket = ++asked;
  for (const each of links()) each.toggleAttribute("aria-current", each === link);
  link.setAttribute("aria-current", "true");
  bringIntoStrip(link);
  grid.setAttribute("aria-busy", "true");
  const image = link.dataset.image;
  byId("choice").elements.image.value = image;
  history.replaceState(null, "", address({ image }));
  try {
    const found = await fetchDetail(image);
    if (ticket !== asked) return;
    detail = found;
    drawAll();
  } catch (error) {
    if (ticket !== asked) return;
    byId("why").textContent = `The image cannot be shown: ${error.message}`;
    byId("why").hidden = false;
  }
  grid.removeAttribute("aria-busy");
  prepare(links()[links().indexOf(link) + 1]);
};

// The next image is at hand when it is asked for.
const prepare = async (link) => {
  if (!link) return;
  const next = await fetchDetail(link.dataset.image).catch(() => undefined);
  if (next?.photograph.url) new Image().src = next.photograph.url;
};

const step = (by) => {
  const next = links()[links().indexOf(current()) + by];
  if (next) show(next);
  else strip().querySelector(by > 0 ? "a[rel=next]" : "a[rel=prev]")?.click();
};

// ---- the threshold: boxes follow at once, the list and its order when it has been set

const setThreshold = (value, isFinal = true) => {
  slider.value = value;
  const parts = draw();
  if (!isFinal) return;
  if (detail) say(parts);
  const url = address({ threshold: slider.value });
  byId("choice").elements.threshold.value = slider.value;
  url.searchParams.delete("page");
  history.replaceState(null, "", url);
  htmx.ajax("GET", url.pathname + url.search, { target: "#strip", select: "#strip", swap: "outerHTML" });
};

// ---- hands

const zoom = (factor) => {
  view.zoomBy(factor);
  look();
};
const whole = () => {
  view.zoomBy(1 / view.zoom);
  look();
};
const move = (x, y) => {
  view.moveTo(view.x + (x * view.width) / 8, view.y + (y * view.height) / 8);
  look();
};
const actions = { previous: () => step(-1), next: () => step(1), in: () => zoom(1.5), out: () => zoom(1 / 1.5), whole };
const keys = {
  ArrowLeft: actions.previous,
  k: actions.previous,
  ArrowRight: actions.next,
  j: actions.next,
  "+": actions.in,
  "=": actions.in,
  "-": actions.out,
  0: whole,
  "[": () => setThreshold(threshold() - 0.05),
  "]": () => setThreshold(threshold() + 0.05),
};
const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const takesKeys = event.target === slider ? event.key.startsWith("Arrow") : event.target.matches("input:not([type=checkbox]), select, textarea");
  if (takesKeys) return;
  const action = event.shiftKey && moves[event.key] ? () => move(...moves[event.key]) : keys[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
viewer.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) actions[button.dataset.do]();
  const link = event.target.closest("a[data-image]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(link);
});
slider.addEventListener("input", () => setThreshold(slider.value, false));
slider.addEventListener("change", () => setThreshold(slider.value));
for (const id of ["words", "only-errors"]) byId(id).addEventListener("change", draw);
for (const place of [grid, maps]) {
  followPointer(place, (stage) => all().find((panel) => panel.stage === stage), view, look);
}
new ResizeObserver(look).observe(grid);

const choice = byId("choice");
choice.addEventListener("change", (event) => {
  const { row, seed, image } = choice.elements;
  if (event.target === row && !row.selectedOptions[0].dataset.seeds.split(" ").includes(seed.value)) seed.disabled = true;
  if (event.target.name === "sort" || event.target.name === "split") image.disabled = true;
  choice.requestSubmit();
});

if (current()) show(current());
