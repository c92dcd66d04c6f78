// Charts of a job's metrics: min and max of each stretch as a band, its last value as a line. Zooming asks anew.
"use strict";
(() => {
  const DASHES = [[], [7, 3], [2, 2], [9, 3, 2, 3], [5, 4], [1, 2], [12, 3]];
  const BUCKETS = 400;
  const REFRESH_MILLISECONDS = 2000;
  const charts = new Map();

  // The value of a variable may be light-dark(...), which a canvas does not know: have the browser resolve it.
  const colour = (element, kind) => {
    const probe = document.createElement("span");
    probe.className = kind;
    element.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const shade = (value) => value.replace(/^rgba?\(([^)]+)\)$/, (_, parts) => `rgba(${parts.split(",").slice(0, 3)}, 0.16)`);
  const units = {
    bytes: (value) => (value >= 1e9 ? `${(value / 1e9).toFixed(2)} GB` : `${(value / 1e6).toFixed(0)} MB`),
    fraction: (value) => (100 * value).toFixed(1),
    s: (value) => `${value.toPrecision(3)} s`,
    "": (value) => Number(value.toPrecision(4)).toString(),
  };
  const say = (unit, value) => (value === null || value === undefined ? "–" : units[unit](value));

  const fetchSeries = async (figure) => {
    const query = new URLSearchParams({ buckets: BUCKETS });
    figure.dataset.names.split(",").forEach((name) => query.append("name", name));
    if (figure.range) {
      query.set("first", Math.max(0, Math.floor(figure.range[0])));
      query.set("last", Math.max(0, Math.ceil(figure.range[1])));
    }
    const answer = await fetch(`${figure.dataset.chart}?${query}`);
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return (await answer.json()).items;
  };

  // One axis of steps for all series; where one has no value there is none.
  const table = (series) => {
    const steps = [...new Set(series.flatMap((each) => each.steps))].sort((a, b) => a - b);
    const columns = [steps];
    series.forEach((each) => {
      const place = new Map(each.steps.map((step, index) => [step, index]));
      const column = (values) => steps.map((step) => (place.has(step) ? values[place.get(step)] : undefined));
      columns.push(column(each.last), column(each.low), column(each.high));
    });
    return columns;
  };
  const shorten = (name, all) => {
    if (all.length === 1) return name.split("/").pop();
    let shared = 0;
    const parts = all.map((each) => each.split("/"));
    while (parts.every((each) => each.length > shared + 1 && each[shared] === parts[0][shared])) shared += 1;
    return name.split("/").slice(shared).join("/");
  };

  const options = (figure, series) => {
    const unit = figure.dataset.unit;
    const names = series.map((each) => each.name);
    const text = colour(figure, "quiet");
    const grid = shade(text);
    const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid }, font: "11px system-ui" };
    const lines = [{ label: "step", value: (_, value) => (value === null ? "–" : String(value)) }];
    const bands = [];
    series.forEach((each, index) => {
      const stroke = colour(figure, `series-${1 + (index % 7)}`);
      const base = lines.length;
      lines.push(
        {
          label: shorten(each.name, names),
          stroke,
          width: 1.5,
          dash: DASHES[index % DASHES.length],
          spanGaps: true,
          value: (_, value) => say(unit, value),
          points: { show: each.steps.length < 30, size: 5 },
        },
        { show: true, stroke: "transparent", points: { show: false }, spanGaps: true, label: "" },
        { show: true, stroke: "transparent", points: { show: false }, spanGaps: true, label: "" },
      );
      bands.push({ series: [base + 2, base + 1], fill: shade(stroke) });
    });
    return {
      width: figure.querySelector(".plot").clientWidth,
      height: 200,
      scales: { x: { time: false } },
      axes: [axis, { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => say(unit, tick)) }],
      series: lines,
      bands,
      legend: { live: true },
      cursor: { drag: { x: true, y: false, setScale: false } },
      hooks: {
        setSelect: [
          (plot) => {
            if (plot.select.width < 4) return;
            const start = plot.posToVal(plot.select.left, "x");
            zoom(figure, [start, plot.posToVal(plot.select.left + plot.select.width, "x")]);
          },
        ],
      },
    };
  };

  // New values of the same series are put into the drawing that is there: what a person points at stays.
  const update = (figure, series) => {
    const known = charts.get(figure);
    const names = (all) => all.map((each) => each.name).join();
    if (!known || names(known.series) !== names(series)) return false;
    known.plot.setData(table(series));
    known.series = series;
    return true;
  };
  const draw = (figure, series) => {
    const place = figure.querySelector(".plot");
    charts.get(figure)?.plot.destroy();
    charts.delete(figure);
    place.replaceChildren();
    if (!series.length) {
      place.textContent = "No values in this range.";
      return;
    }
    const plot = new uPlot(options(figure, series), table(series), place);
    // The ends of bands are no lines to choose in the legend.
    plot.root.querySelectorAll(".u-legend .u-series").forEach((row, index) => {
      if (index > 0 && (index - 1) % 3 !== 0) row.hidden = true;
    });
    charts.set(figure, { plot, series });
  };
  const show = (figure, series) => {
    if (!update(figure, series)) draw(figure, series);
    if (!series.length) return;
    caption(figure, series);
    if (figure.querySelector("details").open) tell(figure, series);
  };
  const caption = (figure, series) => {
    const broken = series.filter((each) => each.num_nonfinite.some((count) => count > 0));
    const width = Math.max(...series.map((each) => each.width));
    const parts = [`${figure.dataset.title}: ${series.map((each) => `${shorten(each.name, series.map((one) => one.name))} ${say(figure.dataset.unit, each.last.at(-1))}`).join(", ")} at the end.`];
    if (width > 1) parts.push(`${width} steps a point.`);
    if (broken.length) parts.push(`Not finite in places: ${broken.map((each) => each.name).join(", ")}.`);
    if (figure.range) parts.push(`Steps ${Math.ceil(figure.range[0])} to ${Math.floor(figure.range[1])}.`);
    figure.querySelector("figcaption").textContent = parts.join(" ");
  };
  const tell = (figure, series) => {
    const element = (tag, words, scope) => {
      const made = document.createElement(tag);
      made.textContent = words;
      if (scope) made.scope = scope;
      return made;
    };
    const body = document.createElement("table");
    body.className = "figures";
    const head = body.createTHead().insertRow();
    ["series", "to step", "last", "least", "greatest"].forEach((name) => head.append(element("th", name, "col")));
    const rows = body.createTBody();
    series.forEach((each) =>
      each.steps.forEach((step, index) => {
        const row = rows.insertRow();
        row.append(element("th", each.name, "row"), element("td", step));
        [each.last, each.low, each.high].forEach((values) => row.append(element("td", values[index] ?? "not finite")));
      }),
    );
    figure.querySelector(".data").replaceChildren(body);
  };

  const load = async (figure) => {
    figure.wanted = true;
    if (figure.loading) return;
    figure.loading = true;
    figure.stale = false;
    try {
      while (figure.wanted) {
        figure.wanted = false; // asked for again meanwhile: then once more, with the range of then
        const series = await fetchSeries(figure);
        if (!figure.wanted) show(figure, series);
      }
    } catch (error) {
      charts.delete(figure);
      figure.querySelector(".plot").textContent = `This chart could not be loaded: ${error.message}.`;
    } finally {
      figure.loading = false;
    }
  };
  const zoom = (figure, range) => {
    figure.range = range;
    charts.get(figure)?.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    load(figure);
  };
  const move = (figure, share) => {
    const steps = charts.get(figure)?.series.flatMap((each) => each.steps);
    if (!figure.range || !steps) return;
    const shift = share * (figure.range[1] - figure.range[0]);
    const start = Math.max(0, figure.range[0] + shift);
    zoom(figure, [start, start + figure.range[1] - figure.range[0]]);
  };

  const seen = new IntersectionObserver((entries) =>
    entries.forEach((entry) => {
      entry.target.inView = entry.isIntersecting;
      if (entry.isIntersecting && (entry.target.stale || !charts.has(entry.target))) load(entry.target);
    }),
  );
  const adopt = () => {
    charts.forEach(({ plot }, figure) => {
      if (figure.isConnected) return;
      plot.destroy();
      charts.delete(figure);
    });
    document.querySelectorAll("figure[data-chart]").forEach((figure) => {
      if (figure.adopted) return;
      figure.adopted = true;
      figure.tabIndex = 0;
      figure.addEventListener("dblclick", () => zoom(figure, undefined));
      figure.addEventListener("keydown", (event) => {
        if (event.key === "0") zoom(figure, undefined);
        if (event.key === "ArrowLeft") move(figure, -0.5);
        if (event.key === "ArrowRight") move(figure, 0.5);
      });
      figure.addEventListener("stale", () => load(figure));
      figure.querySelector("details").addEventListener("toggle", () => {
        const chart = charts.get(figure);
        if (chart) tell(figure, chart.series);
      });
      seen.observe(figure);
    });
  };

  document.addEventListener("DOMContentLoaded", adopt);
  document.addEventListener("htmx:afterSettle", adopt);
  // Of a copy: drawing puts a figure back at the end of the map, where a loop over it would meet it again.
  const redraw = () => [...charts].forEach(([figure, { series }]) => draw(figure, series));
  document.addEventListener("frs:theme", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  window.addEventListener("resize", () =>
    charts.forEach(({ plot }, figure) =>
      plot.setSize({ width: figure.querySelector(".plot").clientWidth, height: 200 }),
    ),
  );
  // What is written of a running job comes with the page's own updates; a chart is not asked for more often.
  let last = 0;
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.id !== "live" || Date.now() - last < REFRESH_MILLISECONDS) return;
    last = Date.now();
    document.querySelectorAll("figure[data-chart]").forEach((figure) => {
      if (figure.inView) load(figure);
      else figure.stale = true;
    });
  });
})();
