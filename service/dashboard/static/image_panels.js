// Panels that show one image each with boxes over it, all of them the same part of it.
const SVG = "http://www.w3.org/2000/svg";
const WORDS_PIXELS = 11;
const CLASS_COLOURS = 8;

const make = (name, attributes = {}, ...children) => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};

// The part of the image that is seen, in its pixels.
export class View {
  constructor() {
    this.resize(1, 1);
  }

  resize(width, height) {
    Object.assign(this, { full: { width, height }, zoom: 1, x: 0, y: 0 });
  }

  get width() {
    return this.full.width / this.zoom;
  }

  get height() {
    return this.full.height / this.zoom;
  }

  // Around a point that stays where it is.
  zoomBy(factor, at = { x: this.x + this.width / 2, y: this.y + this.height / 2 }) {
    const before = this.zoom;
    this.zoom = Math.min(40, Math.max(1, this.zoom * factor));
    const share = before / this.zoom;
    this.moveTo(at.x - (at.x - this.x) * share, at.y - (at.y - this.y) * share);
  }

  moveTo(x, y) {
    this.x = Math.min(Math.max(0, x), this.full.width - this.width);
    this.y = Math.min(Math.max(0, y), this.full.height - this.height);
  }
}

export class Panel {
  constructor(figure) {
    this.figure = figure;
    this.stage = figure.querySelector(".stage");
    this.picture = make("image", { x: 0, y: 0 });
    this.marks = [];
    this.rectangles = make("g", { class: "boxes" });
    this.plates = make("g", { class: "plates" });
    this.blank = make("rect", { x: 0, y: 0, class: "no-photograph" });
    this.svg = make("svg", { "aria-hidden": "true" }, this.blank, this.picture, this.rectangles, this.plates);
    this.stage.prepend(this.svg);
    this.picture.addEventListener("error", () => this.picture.setAttribute("visibility", "hidden"));
  }

  showPicture(url, width, height) {
    this.width = width;
    for (const part of [this.picture, this.blank]) {
      part.setAttribute("width", width);
      part.setAttribute("height", height);
    }
    this.picture.setAttribute("visibility", url ? "visible" : "hidden");
    if (!url) this.picture.removeAttribute("href");
    else if (this.picture.getAttribute("href") !== url) this.picture.setAttribute("href", url);
  }

  // Each mark: {box, mark: correct|false|missed|ignored, label, words}; the last is on top.
  showBoxes(marks, withWords) {
    this.marks = withWords ? marks : [];
    this.rectangles.replaceChildren(
      ...marks.flatMap(({ box, mark, label, words }) => {
        const place = { x: box.x, y: box.y, width: box.width, height: box.height };
        const title = make("title");
        title.textContent = words;
        return [
          make("rect", { ...place, class: "halo" }),
          make("rect", { ...place, class: `mark-${mark} class-${label % CLASS_COLOURS}` }, title),
        ];
      }),
    );
    this.showWords();
  }

  // Plates at the boxes' corners that are seen, those on top first; one that would cover another is left out.
  showWords() {
    const em = WORDS_PIXELS * this.unit;
    const seen = this.view ?? { x: 0, y: 0, width: Infinity, height: Infinity };
    const placed = [];
    const plates = [];
    for (const { box, label, words } of [...this.marks].reverse()) {
      const [width, height] = [words.length * 0.61 + 0.5, 1.3];
      if (box.x > seen.x + seen.width || box.x + box.width < seen.x) continue;
      if (box.y > seen.y + seen.height || box.y + box.height < seen.y) continue;
      const left = Math.max(box.x, seen.x);
      const top = Math.max(box.y - em * height, seen.y);
      const place = { left, right: left + em * width, top, bottom: top + em * height };
      const isFree = placed.every(
        (other) =>
          place.left >= other.right || place.right <= other.left || place.top >= other.bottom || place.bottom <= other.top,
      );
      if (!isFree) continue;
      placed.push(place);
      const line = make("text", { x: "0.25em", y: "1em" });
      line.textContent = words;
      const plate = make("rect", { width: `${width}em`, height: `${height}em` });
      const group = { class: `words class-${label % CLASS_COLOURS}`, transform: `translate(${left} ${top})` };
      plates.push(make("g", group, plate, line));
    }
    this.plates.setAttribute("font-size", em);
    this.plates.replaceChildren(...plates);
  }

  // Pixels of the image for each of the screen's at the present view.
  get unit() {
    const { width, height } = this.stage.getBoundingClientRect();
    if (!this.view || !width || !height) return 1;
    return Math.max(this.view.width / width, this.view.height / height);
  }

  look(view) {
    this.view = view;
    this.svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
    this.showWords();
  }

  // Where in the image the pointer is.
  at(event) {
    const point = new DOMPoint(event.clientX, event.clientY);
    return point.matrixTransform(this.svg.getScreenCTM().inverse());
  }

  say(count, description) {
    this.figure.querySelector(".count").textContent = count;
    this.stage.setAttribute("aria-label", description);
  }
}

// Wheel, drag and double click on any panel change the view of all.
export const followPointer = (container, panelOf, view, changed) => {
  let drag;
  const panelAt = (event) => panelOf(event.target.closest(".stage"));
  container.addEventListener(
    "wheel",
    (event) => {
      const panel = panelAt(event);
      if (!panel || !(event.ctrlKey || event.metaKey || panel.stage === document.activeElement)) return;
      event.preventDefault();
      view.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0025)), panel.at(event));
      changed();
    },
    { passive: false },
  );
  container.addEventListener("pointerdown", (event) => {
    const panel = panelAt(event);
    if (!panel || event.button) return;
    panel.stage.focus({ preventScroll: true });
    if (view.zoom === 1) return;
    panel.stage.setPointerCapture(event.pointerId);
    drag = { panel, x: event.clientX, y: event.clientY };
  });
  container.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const { unit } = drag.panel;
    view.moveTo(view.x - (event.clientX - drag.x) * unit, view.y - (event.clientY - drag.y) * unit);
    Object.assign(drag, { x: event.clientX, y: event.clientY });
    changed();
  });
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
    container.addEventListener(kind, () => {
      drag = undefined;
    });
  }
  container.addEventListener("dblclick", (event) => {
    const panel = panelAt(event);
    if (!panel) return;
    view.zoomBy(2, panel.at(event));
    changed();
  });
};
