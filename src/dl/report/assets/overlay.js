"use strict";
// Curves of the ticked runs over each other, and a scatter of two values of all runs.
(() => {
  const { $, ask, keep, make, pageOf, rows, state } = board;
  const SERIES = 7; // colours that stay apart for every reader; what is beyond them is grey
  const FIRST = 5;
  const figure = $("overlay");
  const place = figure.querySelector(".plot");
  let runs = [], measure = "", plot = null, drawnAs = "", zoom = null;

  const colour = (index) => dlColour(index < SERIES ? `--c${index}` : "--quiet");

  // Without a tick, the first rows are drawn: the newest, or what the order puts first.
  function wanted() {
    const shown = [...rows.values()].filter((run) => Object.keys(run.spark).length);
    const alike = shown.filter((run) => run.metric === shown[0].metric && run.data === shown[0].data);
    const some = (state.ticked.length ? [...state.ticked] : alike.slice(0, FIRST).map((run) => run.address));
    if (state.baseline && !some.includes(state.baseline)) some.push(state.baseline);
    return some;
  }

  async function load(again = false) {
    const chosen = wanted();
    if (!chosen.length) { runs = []; return draw(); }
    const query = new URLSearchParams(chosen.map((run) => ["run", run]));
    try {
      const found = await ask(`/api/histories?${query}`, again);
      if (!found) return;
      runs = found.runs;
      draw();
    } catch { /* a run is gone: the next list has it no more */ }
  }

  // The exponential mean, from which its slow start is taken: D. Kingma, J. Ba, "Adam" (2015), section 3.
  function smoothed(values) {
    if (!state.smooth) return values;
    let mean = 0, weight = 0;
    return values.map((value) => {
      if (value == null) return null;
      mean = state.smooth * mean + (1 - state.smooth) * value;
      weight = state.smooth * weight + (1 - state.smooth);
      return mean / weight;
    });
  }

  function xOf(run, values) {
    const planned = rows.get(run.address)?.planned || values.length;
    if (state.x === "seconds") return run.seconds;
    return values.map((_, at) => (state.x === "share" ? (at + 1) / planned : at + 1));
  }

  // The runs that differ in their seeds alone are one line: their mean, between the least and the most.
  function grouped(lines) {
    const groups = new Map();
    for (const line of lines) groups.set(line.setting, [...(groups.get(line.setting) || []), line]);
    return [...groups.values()].map((some) => {
      if (some.length < 2) return some[0];
      const longest = some.reduce((a, b) => (a.y.length >= b.y.length ? a : b));
      const at = longest.y.map((_, epoch) => some.map((line) => line.y[epoch]).filter((v) => v != null));
      return {
        ...longest, label: `mean of ${some.map((line) => line.label).join(", ")}`,
        base: some.some((line) => line.base),
        y: at.map((v) => (v.length ? v.reduce((a, b) => a + b) / v.length : null)),
        low: at.map((v) => (v.length ? Math.min(...v) : null)), high: at.map((v) => (v.length ? Math.max(...v) : null)),
      };
    });
  }

  function lines() {
    const found = runs.filter((run) => run.measures[measure]).map((run) => {
      const y = smoothed(run.measures[measure]);
      return { label: run.run, address: run.address, setting: run.setting || run.address, x: xOf(run, y), y, base: run.address === state.baseline };
    });
    return (state.seeds ? grouped(found) : found).map((line, index) => ({ ...line, index }));
  }

  function measures() {
    const names = [...new Set(runs.flatMap((run) => Object.keys(run.measures)))];
    const select = $("measure");
    if ([...select.options].map((one) => one.value).join() !== names.join()) {
      const labels = Object.assign({}, ...runs.map((run) => run.labels));
      select.replaceChildren(...names.map((name) => make("option", { value: name }, labels[name])));
    }
    const metric = rows.get(runs[0]?.address)?.metric;
    const usual = [`val_${metric}`, metric, "val_loss", "loss"].find((name) => names.includes(name));
    measure = names.includes(state.measure) ? state.measure : usual || names[0] || "";
    select.value = measure;
  }

  function draw() {
    measures();
    const some = lines();
    paint(some);
    const count = runs.filter((run) => run.measures[measure]).length;
    const lacking = runs.length > count ? `; ${runs.length - count === 1 ? "another has" : `${runs.length - count} others have`} no ${$("measure").selectedOptions[0].textContent}` : "";
    $("drawn").textContent = state.ticked.length ? `What is ticked${lacking}.` : `The first ${count} of the list with the same data and metric${lacking}; tick others to choose.`;
    $("curves").hidden = !some.length;
    if (!some.length) return;
    const parts = some.flatMap((line) => (line.low ? [[line.x, line.y], [line.x, line.low], [line.x, line.high]] : [[line.x, line.y]]));
    const data = uPlot.join(parts);
    const values = data.slice(1).flat().filter((v) => v != null);
    const low = Math.min(...values), positive = low > 0;
    const log = positive && (state.log ? state.log === "1" : Math.max(...values) >= board.logSpan * low);
    $("logarithm").checked = log;
    $("logarithm").disabled = !positive;
    const looks = JSON.stringify([measure, state.x, log, some.map((line) => [line.label, line.base, Boolean(line.low)])]);
    if (plot && looks === drawnAs) return grow(data);
    if (plot) plot.destroy();
    if (zoom && JSON.parse(drawnAs || "[]")[1] !== state.x) zoom = null;
    drawnAs = looks;
    plot = new uPlot(options(some, log), data, place);
    if (zoom) plot.setScale("x", zoom);
    figure.plot = plot;
    rest();
  }

  // Where nothing is pointed at, the legend has the last values.
  function rest() {
    plot.setLegend({ idxs: plot.data.map((column) => column.findLastIndex((v) => v != null)) }, false);
  }

  // New epochs leave the zoom and the cursor where they are.
  function grow(data) {
    plot.batch(() => {
      plot.setData(data, !zoom);
      if (zoom) plot.setScale("x", zoom);
    });
    if (plot.cursor.left < 0) rest();
  }

  function options(some, log) {
    const says = (u, value) => (value == null ? "–" : dlNumber(value, true));
    const series = [{ label: { epoch: "epoch", share: "share", seconds: "seconds" }[state.x], value: (u, v) => (v == null ? "–" : state.x === "epoch" ? v : dlNumber(v)) }];
    const bands = [];
    for (const line of some) {
      const stroke = line.base ? dlColour("--ink") : colour(line.index);
      const points = { show: line.x.length < 2, size: 7, fill: stroke };
      series.push({ label: line.label, stroke, width: line.base ? 2.5 : 2, dash: line.base ? [8, 4] : undefined, spanGaps: true, value: says, points });
      if (!line.low) continue;
      const edge = { class: "edge", stroke: "transparent", spanGaps: true, points: { show: false }, value: says };
      series.push({ ...edge, label: `${line.label}, least` }, { ...edge, label: `${line.label}, most` });
      bands.push({ series: [series.length - 1, series.length - 2], fill: `${stroke}33` });
    }
    const grid = dlColour("--line"), font = "12px system-ui, DejaVu Sans, sans-serif";
    const axis = (label, size) => ({ label, labelFont: font, font, labelSize: 18, ...(size ? { size } : {}), stroke: dlColour("--quiet"), grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, values: (u, splits) => splits.map((v) => (v == null ? "" : dlNumber(v))) });
    const value = axis($("measure").selectedOptions[0]?.textContent || "", 66);
    return {
      width: Math.max(200, place.clientWidth), height: 360, bands, series,
      scales: { x: { time: false }, y: { distr: log ? 3 : 1 } },
      axes: [{ ...axis($("x").selectedOptions[0].textContent), ...(state.x === "epoch" ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] } : {}) }, { ...value, grid: { ...value.grid, filter: (u, splits) => splits.map((v) => (!log || Number.isInteger(Math.log10(v)) ? v : null)) } }],
      cursor: { drag: { x: true, y: false } },
      hooks: {
        setCursor: [(u) => { if (u.cursor.left < 0 && plot) rest(); }],
        setSelect: [(u) => { if (u.select.width > 0) zoom = { min: u.posToVal(u.select.left, "x"), max: u.posToVal(u.select.left + u.select.width, "x") }; }],
      },
    };
  }

  // The colours of the curves stand beside the names in the list.
  function paint(some) {
    for (const swatch of document.querySelectorAll("#runs .swatch")) swatch.style.background = "";
    for (const run of runs) {
      const line = some.find((one) => one.address === run.address || (state.seeds && one.setting === run.setting));
      const swatch = document.querySelector(`#runs tr[data-address="${CSS.escape(run.address)}"] .swatch`);
      if (line && swatch) swatch.style.background = line.base ? dlColour("--ink") : colour(line.index);
    }
  }

  place.addEventListener("dblclick", () => { zoom = null; });
  figure.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.target !== figure || !step || !plot) return;
    event.preventDefault();
    const last = plot.data[0].length - 1;
    const from = plot.cursor.idx ?? (step > 0 ? -1 : last + 1);
    plot.setCursor({ left: plot.valToPos(plot.data[0][Math.max(0, Math.min(last, from + step))], "x"), top: 10 });
  });
  new ResizeObserver(() => {
    const width = Math.max(200, place.clientWidth);
    if (plot && plot.width !== width) plot.setSize({ width, height: 360 });
  }).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawnAs = ""; draw(); });

  $("x").value = state.x;
  $("smooth").value = state.smooth;
  $("smooth").nextElementSibling.value = state.smooth;
  $("seeds").checked = state.seeds;
  for (const [id, read] of [
    ["measure", (input) => { state.measure = input.value; state.log = ""; }],
    ["x", (input) => { state.x = input.value; }],
    ["smooth", (input) => { state.smooth = Number(input.value); input.nextElementSibling.value = input.value; }],
    ["logarithm", (input) => { state.log = input.checked ? "1" : "0"; }],
    ["seeds", (input) => { state.seeds = input.checked; }],
  ]) $(id).addEventListener(id === "smooth" ? "input" : "change", (event) => { read(event.target); keep(); draw(); });

  // Two values of each run that the filter leaves.
  const SIZE = { width: 900, height: 420, left: 84, right: 20, top: 12, bottom: 52 };
  async function scatter(again = false) {
    const problem = $("scatter-problem");
    $("scatter").hidden = !rows.size;
    $("scatter-says").textContent = "Write two values of runs, such as training.batch_size and accuracy: each run is then a point.";
    if (!state.across || !state.up) { $("plane").replaceChildren(); problem.textContent = ""; return; }
    try {
      const found = await ask(`/api/scatter?${new URLSearchParams({ filter: state.filter, x: state.across, y: state.up })}`, again);
      problem.textContent = "";
      if (found) $("plane").replaceChildren(plane(found));
      const count = $("plane").querySelectorAll("circle").length;
      $("scatter-says").textContent = `${count === 1 ? "One run has" : `${count} runs have`} both values; a click on a point opens its page.`;
    } catch (error) {
      problem.textContent = [error.problem, error.hint].filter(Boolean).join("; ");
      $("plane").replaceChildren();
    }
  }

  function plane({ axes, points }) {
    const x = (share) => SIZE.left + share * (SIZE.width - SIZE.left - SIZE.right);
    const y = (share) => SIZE.height - SIZE.bottom - share * (SIZE.height - SIZE.top - SIZE.bottom);
    const parts = [];
    for (const [at, text] of axes[0].ticks) parts.push(make("line", { class: "grid", x1: x(at), x2: x(at), y1: y(0), y2: y(1) }), make("text", { x: x(at), y: y(0) + 18, "text-anchor": "middle" }, text));
    for (const [at, text] of axes[1].ticks) parts.push(make("line", { class: "grid", x1: x(0), x2: x(1), y1: y(at), y2: y(at) }), make("text", { x: x(0) - 8, y: y(at) + 4, "text-anchor": "end" }, text));
    parts.push(make("text", { x: x(0.5), y: SIZE.height - 8, "text-anchor": "middle" }, axes[0].title), make("text", { x: 14, y: y(0.5), transform: `rotate(-90 14 ${y(0.5)})`, "text-anchor": "middle" }, axes[1].title));
    for (const point of points) {
      const says = `${point.run}: ${axes[0].title} ${point.says[0]}, ${axes[1].title} ${point.says[1]}`;
      const link = make("svg:a", { href: pageOf(point.address), "aria-label": says, class: point.address === state.baseline ? "baseline" : null }, make("circle", { cx: x(point.x), cy: y(point.y), r: 5 }, make("title", {}, says)));
      parts.push(link);
    }
    return make("svg", { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "group", "aria-label": `${axes[1].title} by ${axes[0].title}, ${points.length} runs` }, ...parts);
  }

  for (const [id, name] of [["across", "across"], ["up", "up"]]) {
    $(id).value = state[name];
    $(id).addEventListener("change", (event) => { state[name] = event.target.value.trim(); keep(); scatter(true); });
  }

  let before = "";
  board.watch(() => {
    const now = JSON.stringify([wanted(), state.baseline]);
    const other = now !== before;
    before = now;
    if (other) { load(true); scatter(); } else paint(lines());
  });
  const again = async () => {
    if (!document.hidden) { await load(); await scatter(); }
    setTimeout(again, board.every);
  };
  again();
})();
