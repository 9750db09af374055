"use strict";
// Draws each chart of the page with uPlot from the JSON beside it.
const seriesColour = (place) => dlColour(place < 0 ? "--quiet" : `--c${place}`) || dlColour("--quiet");

function made(tag, text = "", attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function download(name, content) {
  const link = made("a", "", { download: name.replace(/[^\w.-]+/g, "-"), href: URL.createObjectURL(content) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

document.documentElement.classList.add("js");

(() => {
  const font = "system-ui, DejaVu Sans, sans-serif";
  const tall = 290;
  const printed = 330; // pixels: two charts beside each other on a sheet
  const wholeSteps = [0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power));

  const joined = (chart) => (chart.lines.length ? uPlot.join(chart.lines.map((line) => [line.x, line.y])) : [[]]);
  const lineColour = (line) => (line.shade == null ? seriesColour(line.colour) : dlShade(line.shade));
  // One grey line has its name in the legend; several are the background of those in colour.
  const isGrey = (line) => line.colour < 0 && !line.dashed && line.kind === "line";
  const endName = (line) => line.label.split(", ")[0].slice(0, 14);
  const isOther = (line, chart) => isGrey(line) && chart.lines.filter(isGrey).length > 1;

  // What the legend says while nothing is pointed at: the best epoch, or the last one.
  function atRest(chart, data, place, value) {
    if (value != null || chart.rest == null) return value;
    const index = data[0].indexOf(chart.rest);
    return index < 0 ? null : data[place][index];
  }

  function series(line, place, chart, data) {
    const colour = lineColour(line);
    const drawn = {
      label: line.label, stroke: colour, width: 2, spanGaps: true,
      value: (u, v) => { const said = atRest(chart, data, place, v); return said == null ? "" : dlNumber(said, true); },
    };
    if (isOther(line, chart)) Object.assign(drawn, { width: 1, class: "other" });
    if (line.dashed) drawn.dash = [7, 5];
    if (line.kind === "points") {
      drawn.paths = () => null;
      drawn.points = { show: true, size: 5, fill: colour, stroke: colour };
    } else if (line.kind === "steps") {
      drawn.paths = uPlot.paths.stepped({ align: 1 });
      drawn.points = { show: line.x.length < 2, size: 6, fill: colour };
    } else if (line.kind === "bars") {
      drawn.paths = uPlot.paths.bars({ size: [0.85, 60] });
      drawn.fill = colour;
      drawn.points = { show: false };
    } else {
      drawn.points = { show: line.colour >= 0 && line.x.length <= 25, size: 6, fill: colour }; // as in pictures
    }
    return drawn;
  }

  function axis(label) {
    const grid = dlColour("--line");
    return {
      label, labelFont: `12px ${font}`, font: `12px ${font}`, stroke: dlColour("--quiet"), labelSize: 18,
      grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 },
      values: (u, splits) => splits.map((v) => (v == null ? "" : dlNumber(v))),
    };
  }

  function drawMarks(u, marks) {
    const ratio = devicePixelRatio;
    u.ctx.save();
    u.ctx.strokeStyle = u.ctx.fillStyle = dlColour("--quiet");
    u.ctx.font = `${11 * ratio}px ${font}`;
    u.ctx.setLineDash([3, 4]);
    for (const [place, mark] of marks.entries()) {
      const x = u.valToPos(mark.x, "x", true);
      if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) continue;
      u.ctx.beginPath();
      u.ctx.moveTo(x, u.bbox.top);
      u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
      u.ctx.stroke();
      const right = x > u.bbox.left + u.bbox.width * 0.7;
      u.ctx.textAlign = right ? "right" : "left";
      const y = u.bbox.top + 12 * (1 + (place % 3)) * ratio; // labels that are near do not cover each other
      const wide = u.ctx.measureText(mark.label).width;
      u.ctx.save(); // on a ground of its own, whatever curve passes there
      u.ctx.fillStyle = dlColour("--paper");
      u.ctx.fillRect(right ? x - 8 * ratio - wide : x + 2 * ratio, y - 10 * ratio, wide + 6 * ratio, 13 * ratio);
      u.ctx.restore();
      u.ctx.fillText(mark.label, x + (right ? -6 : 6), y);
    }
    u.ctx.restore();
  }

  // The names of the lines in colour, at their ends: among grey ones a legend is far away.
  function drawNames(u, chart) {
    if (!chart.lines.some((line) => isOther(line, chart))) return;
    const ratio = devicePixelRatio;
    const named = chart.lines
      .map((line, place) => ({ line, y: u.valToPos(u.data[place + 1].findLast((value) => value != null) ?? 0, "y", true) }))
      .filter(({ line }) => line.colour >= 0)
      .sort((one, other) => one.y - other.y);
    // Where all end at one place, as those of a ROC curve do, the legend says more.
    if (named.length > 1 && named.at(-1).y - named[0].y < 6 * ratio) return;
    u.ctx.save();
    u.ctx.font = `${11 * ratio}px ${font}`;
    u.ctx.textAlign = "left";
    let free = 0;
    for (const { line, y } of named) {
      const place = Math.max(y, free);
      u.ctx.fillStyle = lineColour(line);
      u.ctx.fillText(endName(line), u.bbox.left + u.bbox.width + 4 * ratio, place + 4 * ratio);
      free = place + 12 * ratio; // names do not cover each other
    }
    u.ctx.restore();
  }

  // The epoch that a slider of the page stands at.
  function drawEpoch(u, epoch) {
    if (epoch == null) return;
    const x = u.valToPos(epoch, "x", true);
    if (x < u.bbox.left - 1 || x > u.bbox.left + u.bbox.width + 1) return;
    u.ctx.save();
    u.ctx.fillStyle = dlColour("--accent");
    u.ctx.fillRect(x - devicePixelRatio, u.bbox.top, 2 * devicePixelRatio, u.bbox.height);
    u.ctx.restore();
  }

  // Half the room of a bar: without it the first and the last one would be cut in two.
  function halfBar(x) {
    const gaps = x.slice(1).map((value, place) => value - x[place]).filter((gap) => gap > 0);
    return gaps.length ? Math.min(...gaps) / 2 : 0.5;
  }

  function ranges(chart, log) {
    const bars = chart.lines.find((line) => line.kind === "bars");
    const half = bars ? halfBar(bars.x) : 0;
    if (chart.square) {
      const values = chart.lines.flatMap((line) => [...line.x, ...line.y]).filter((value) => value != null);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const room = 0.04 * (high - low) || 0.5;
      // A zoom of one axis is a zoom of both.
      return { x: { time: false, range: (u, a, b) => (a > low || b < high ? [a, b] : [low - room, high + room]) },
        y: { range: (u) => [u.scales.x.min ?? low - room, u.scales.x.max ?? high + room] } };
    }
    return {
      x: { time: false, range: bars ? (u, low, high) => [low - half, high + half] : undefined },
      y: { distr: log ? 3 : 1, range: bars ? (u, low, high) => [Math.min(0, low), high * 1.05 || 1] : undefined },
    };
  }

  function options(figure, chart, data, width, log) {
    const xAxis = axis(chart.x_label);
    const yAxis = axis(chart.y_label);
    xAxis.size = 36;
    yAxis.grid.filter = (u, splits) => splits.map((v) => (!log || Number.isInteger(Math.log10(v)) ? v : null));
    yAxis.size = (u, values) => 16 + 7 * Math.max(4, ...(values || []).map((said) => (said || "").length));
    if (chart.ticks.length) {
      const room = Math.ceil((8 * chart.ticks[0].length * chart.ticks.length) / Math.max(1, width - 80));
      xAxis.splits = () => chart.ticks.map((_, place) => place).filter((place) => place % room === 0);
      xAxis.values = (u, places) => places.map((place) => chart.ticks[place] ?? "");
    } else if (chart.lines.every((line) => line.x.every(Number.isInteger))) {
      xAxis.incrs = wholeSteps; // epochs and trials have no halves
    }
    return {
      width, height: chart.square ? Math.min(width, 420) : tall,
      padding: chart.lines.some((line) => isOther(line, chart)) ? [null, 12 + 7 * longest(chart), null, null] : null,
      scales: ranges(chart, log),
      axes: [xAxis, yAxis],
      series: [
        { label: chart.x_label, value: (u, v) => { const x = v ?? chart.rest; return x == null ? "" : chart.ticks[x] ?? dlNumber(x); } },
        ...chart.lines.map((line, place) => series(line, place + 1, chart, data)),
      ],
      cursor: { drag: { x: true, y: false } },
      hooks: {
        setCursor: [(u) => figure.classList.toggle("pointed", u.cursor.idx != null)],
        draw: [(u) => drawMarks(u, chart.marks), (u) => drawNames(u, chart), (u) => drawEpoch(u, figure.epoch)],
      },
    };
  }

  const longest = (chart) => Math.max(...chart.lines.filter((line) => line.colour >= 0).map((line) => endName(line).length));

  function stepCursor(u, by) {
    const last = u.data[0].length - 1;
    const from = u.cursor.idx == null ? (by > 0 ? -1 : last + 1) : u.cursor.idx;
    const to = Math.max(0, Math.min(last, from + by));
    u.setCursor({ left: u.valToPos(u.data[0][to], "x"), top: 10 });
  }

  function asCsv(chart, data) {
    const cell = (value) => (/[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? ""));
    const header = [chart.x_label, ...chart.lines.map((line) => line.label)];
    const rows = data[0].map((_, place) => data.map((column) => column[place]));
    return [header, ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
  }

  // The chart on paper of its own: title, canvas, legend.
  function asPicture(chart, plot, done) {
    const drawn = plot.ctx.canvas;
    const ratio = devicePixelRatio;
    const named = chart.lines.filter((line) => !isOther(line, chart));
    const picture = made("canvas", "", { width: drawn.width, height: drawn.height + (34 + 18 * named.length) * ratio });
    const ink = picture.getContext("2d");
    ink.fillStyle = dlColour("--paper");
    ink.fillRect(0, 0, picture.width, picture.height);
    ink.fillStyle = dlColour("--ink");
    ink.font = `600 ${14 * ratio}px ${font}`;
    ink.fillText(chart.title, 10 * ratio, 20 * ratio);
    ink.drawImage(drawn, 0, 28 * ratio);
    ink.font = `${12 * ratio}px ${font}`;
    named.forEach((line, place) => {
      const y = drawn.height + (44 + 18 * place) * ratio;
      ink.fillStyle = lineColour(line);
      ink.fillRect(10 * ratio, y - 5 * ratio, 14 * ratio, 3 * ratio);
      ink.fillStyle = dlColour("--ink");
      ink.fillText(line.label, 30 * ratio, y);
    });
    picture.toBlob(done);
  }

  function pick(figure, u) {
    if (u.cursor.idx == null || u.cursor.left < 0) return;
    const at = { x: u.data[0][u.cursor.idx], y: u.posToVal(u.cursor.top, "y"), shownX: u.posToVal(u.cursor.left, "x") };
    figure.dispatchEvent(new CustomEvent("pick", { bubbles: true, detail: { index: u.cursor.idx, ...at } }));
  }

  function show(figure) {
    let chart = JSON.parse(figure.querySelector(".chart-data").textContent);
    const place = figure.querySelector(".plot");
    const button = figure.querySelector("button.log");
    let data = joined(chart);
    let plot = null;
    let log = chart.log && chart.wants_log;
    let fixed = null; // the width on paper
    const width = () => fixed ?? Math.min(Math.max(200, place.clientWidth), chart.square ? 420 : Infinity);
    const draw = () => {
      if (plot) plot.destroy();
      plot = new uPlot(options(figure, chart, data, width(), log), data, place);
      plot.over.addEventListener("click", () => pick(figure, plot));
      figure.plot = plot;
    };
    draw();
    if (button) {
      button.setAttribute("aria-pressed", String(log));
      button.addEventListener("click", () => {
        log = !log;
        button.setAttribute("aria-pressed", String(log));
        draw();
      });
    }
    figure.querySelector("button.csv")?.addEventListener("click", () => {
      download(`${chart.title}.csv`, new Blob([asCsv(chart, data)], { type: "text/csv" }));
    });
    figure.querySelector("button.png")?.addEventListener("click", () => {
      asPicture(chart, plot, (content) => download(`${chart.title}.png`, content));
    });
    figure.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.target !== figure) return;
      if (event.key === "Enter") pick(figure, plot);
      if (!step) return;
      event.preventDefault();
      stepCursor(plot, step);
    });
    figure.ofEpochs = chart.x_label === "epoch";
    figure.classList.toggle("static", chart.rest == null);
    figure.mark = (epoch) => {
      figure.epoch = epoch;
      plot.redraw(false);
    };
    // Of a training that goes on: what is zoomed into, or pointed at, stays.
    figure.update = (grown) => {
      if (JSON.stringify(grown) === JSON.stringify(chart)) return;
      const same = grown.lines.length === chart.lines.length;
      const { min, max } = plot.scales.x;
      const zoomed = min > data[0][0] || max < data[0].at(-1);
      const { idx, top } = plot.cursor;
      Object.assign(chart, grown);
      const before = data.splice(0, data.length, ...joined(chart));
      if (!same) return draw();
      plot.batch(() => {
        plot.setData(data, !zoomed);
        if (zoomed) plot.setScale("x", { min, max });
      });
      if (idx != null && before[0][idx] != null) plot.setCursor({ left: plot.valToPos(data[0][idx], "x"), top });
    };
    new ResizeObserver(() => {
      if (plot.width !== width()) plot.setSize({ width: width(), height: chart.square ? width() : tall });
    }).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    figure.onPaper = (is) => {
      fixed = is ? printed : null;
      draw();
    };
  }

  const figures = [...document.querySelectorAll("figure.chart:has(.chart-data)")];
  figures.forEach(show);
  // Paper is white: what is drawn in the colours of a dark screen is drawn anew.
  for (const [event, is] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(event, () => {
      document.documentElement.classList.toggle("paper", is);
      figures.forEach((figure) => figure.onPaper(is));
      document.dispatchEvent(new Event("redraw"));
    });
  }
})();
