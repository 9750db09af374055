"use strict";
// Draws each chart of the page with uPlot from the JSON beside it.
(() => {
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const wholeSteps = [0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power));

  function joined(chart) {
    return chart.lines.length ? uPlot.join(chart.lines.map((line) => [line.x, line.y])) : [[]];
  }

  function series(line) {
    const colour = line.shade == null ? style(line.colour < 0 ? "--quiet" : `--c${line.colour}`) : dlShade(line.shade);
    const look = { label: line.label, stroke: colour, width: 2, spanGaps: true, value: (u, v) => dlNumber(v) };
    if (line.dashed) look.dash = [7, 5];
    if (line.kind === "points") {
      look.paths = () => null;
      look.points = { show: true, size: 5, fill: colour, stroke: colour };
    } else if (line.kind === "steps") {
      look.paths = uPlot.paths.stepped({ align: 1 });
      look.points = { show: line.x.length < 2, size: 6, fill: colour };
    } else if (line.kind === "bars") {
      look.paths = uPlot.paths.bars({ size: [0.85, 60] });
      look.fill = colour;
      look.points = { show: false };
    } else {
      look.points = { show: line.colour >= 0 && line.x.length <= 25, size: 6, fill: colour }; // as in pictures
    }
    return look;
  }

  function axis(label) {
    const grid = style("--line");
    const font = "12px system-ui, DejaVu Sans, sans-serif";
    return {
      label, labelFont: font, font, stroke: style("--quiet"), labelSize: 18,
      grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 },
      values: (u, splits) => splits.map((v) => (v == null ? "" : dlNumber(v))),
    };
  }

  function drawMarks(u, marks) {
    u.ctx.save();
    u.ctx.strokeStyle = style("--quiet");
    u.ctx.fillStyle = style("--quiet");
    u.ctx.font = `${11 * devicePixelRatio}px system-ui, DejaVu Sans, sans-serif`;
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
      const line = 1 + (place % 3); // labels that are near do not cover each other
      u.ctx.fillText(mark.label, x + (right ? -6 : 6), u.bbox.top + 12 * line * devicePixelRatio);
    }
    u.ctx.restore();
  }

  // Half the room of a bar: without it the first and the last one would be cut in two.
  function halfBar(x) {
    const gaps = x.slice(1).map((value, place) => value - x[place]).filter((gap) => gap > 0);
    return gaps.length ? Math.min(...gaps) / 2 : 0.5;
  }

  function options(chart, width, log) {
    const bars = chart.lines.find((line) => line.kind === "bars");
    const half = bars ? halfBar(bars.x) : 0;
    const yAxis = axis(chart.y_label);
    yAxis.size = 58;
    const xAxis = axis(chart.x_label);
    // Epochs and trials have no halves.
    if (chart.lines.every((line) => line.x.every(Number.isInteger))) xAxis.incrs = wholeSteps;
    return {
      width, height: 290,
      scales: {
        x: { time: false, range: bars ? (u, low, high) => [low - half, high + half] : undefined },
        y: { distr: log ? 3 : 1, range: bars ? (u, low, high) => [Math.min(0, low), high * 1.05 || 1] : undefined },
      },
      axes: [xAxis, yAxis],
      series: [{ label: chart.x_label, value: (u, v) => dlNumber(v) }, ...chart.lines.map(series)],
      cursor: { drag: { x: true, y: false } },
      hooks: { draw: [(u) => drawMarks(u, chart.marks)] },
    };
  }

  function stepCursor(u, by) {
    const last = u.data[0].length - 1;
    const from = u.cursor.idx == null ? (by > 0 ? -1 : last + 1) : u.cursor.idx;
    const to = Math.max(0, Math.min(last, from + by));
    u.setCursor({ left: u.valToPos(u.data[0][to], "x"), top: 10 });
  }

  function show(figure) {
    let chart = JSON.parse(figure.querySelector(".chart-data").textContent);
    const place = figure.querySelector(".plot");
    const button = figure.querySelector("button.log");
    let data = joined(chart);
    let plot = null;
    let log = false;
    const draw = () => {
      if (plot) plot.destroy();
      plot = new uPlot(options(chart, Math.max(200, place.clientWidth), log), data, place);
      figure.plot = plot;
    };
    draw();
    if (button) {
      button.addEventListener("click", () => {
        log = !log;
        button.setAttribute("aria-pressed", String(log));
        draw();
      });
    }
    figure.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.target !== figure || !step) return;
      event.preventDefault();
      stepCursor(plot, step);
    });
    // New points leave the zoom and the cursor where they are; without news nothing moves.
    figure.update = (grown) => {
      if (JSON.stringify(grown) === JSON.stringify(chart)) return;
      const alike = grown.lines.length === chart.lines.length;
      const { min, max } = plot.scales.x;
      const zoomed = min > data[0][0] || max < data[0].at(-1);
      Object.assign(chart, grown);
      data = joined(chart);
      if (!alike) return draw();
      plot.batch(() => {
        plot.setData(data, !zoomed);
        if (zoomed) plot.setScale("x", { min, max });
      });
    };
    new ResizeObserver(() => {
      const width = Math.max(200, place.clientWidth);
      if (plot.width !== width) plot.setSize({ width, height: 290 });
    }).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }

  document.querySelectorAll("figure.chart").forEach(show);
})();
