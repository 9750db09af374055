"use strict";
// Parallel coordinates of a sweep: a line for each trial, brushed along its axes, beside its table.
(() => {
  const SIZE = { height: 360, top: 44, bottom: 20, left: 30, right: 90 };
  const APART = 14; // pixels between the first and the last of equal choices

  function make(tag, attributes = {}, ...inside) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) if (value != null) made.setAttribute(name, value);
    made.append(...inside);
    return made;
  }

  function show(figure) {
    const { axes, lines } = JSON.parse(figure.querySelector(".coordinates-data").textContent);
    const place = figure.querySelector("div"), says = figure.querySelector("figcaption");
    const brushes = axes.map(() => null);
    const paths = new Map();
    let width = 0;

    const x = (at) => SIZE.left + (at * (width - SIZE.left - SIZE.right)) / (axes.length - 1);
    const y = (share) => SIZE.height - SIZE.bottom - share * (SIZE.height - SIZE.top - SIZE.bottom);
    const shareAt = (pixels) => Math.max(0, Math.min(1, (SIZE.height - SIZE.bottom - pixels) / (SIZE.height - SIZE.top - SIZE.bottom)));
    const row = (trial) => document.querySelector(`tr[data-trial="${trial}"]`);
    // Equal choices are apart by a little, so that lines through them can be followed.
    const height = (line, at) => y(line.places[at]) - (axes[at].scale === "choices" ? APART * (line.order - 0.5) : 0);

    function draw() {
      width = Math.max(place.clientWidth, 150 * axes.length);
      const svg = make("svg", { viewBox: `0 0 ${width} ${SIZE.height}`, width, height: SIZE.height, role: "group", "aria-label": "Parallel coordinates" });
      for (const line of [...lines].sort((a, b) => a.best - b.best || a.order - b.order)) {
        let pen = "M";
        const d = line.places.map((share, at) => {
          if (share == null) { pen = "M"; return ""; }
          const point = `${pen}${x(at).toFixed(1)} ${height(line, at).toFixed(1)}`;
          pen = "L";
          return point;
        });
        const path = make("path", { d: d.join(""), fill: "none", stroke: line.best ? dlColour("--validation") : dlShade(line.order), "stroke-width": line.best ? 3 : 1.6, "stroke-dasharray": line.pruned ? "4 3" : null },
          make("title", {}, `trial ${line.trial}: ${line.reached}\n${line.setting}`));
        path.addEventListener("pointerenter", () => point(line, true));
        path.addEventListener("pointerleave", () => point(line, false));
        path.addEventListener("click", () => row(line.trial)?.querySelector("a")?.click());
        paths.set(line.trial, path);
        svg.append(path);
      }
      axes.forEach((axis, at) => svg.append(axisOf(axis, at)));
      place.replaceChildren(svg);
      keep();
    }

    function axisOf(axis, at) {
      const group = make("g", { class: "axis", tabindex: 0, role: "slider", "aria-orientation": "vertical", "aria-label": axis.title, "aria-valuemin": 0, "aria-valuemax": 100 });
      group.append(make("rect", { class: "reach", x: x(at) - 14, y: SIZE.top - 8, width: 28, height: SIZE.height - SIZE.top - SIZE.bottom + 16 }));
      const apart = axis.scale === "choices" ? APART / 2 : 0; // so far its lines reach beyond its ends
      group.append(make("line", { class: "grid", x1: x(at), x2: x(at), y1: y(0) + apart, y2: y(1) - apart }));
      for (const [share, text] of axis.ticks) {
        group.append(make("line", { class: "grid", x1: x(at) - 4, x2: x(at) + 4, y1: y(share), y2: y(share) }));
        group.append(make("text", { class: "tick-text", x: x(at) + 7, y: y(share) + 4 }, text.length > 14 ? `${text.slice(0, 13)}…` : text));
      }
      group.append(make("text", { class: "axis-title", x: x(at), y: 18, "text-anchor": at ? (at === axes.length - 1 ? "middle" : "middle") : "start", dx: at ? 0 : -SIZE.left + 4 }, axis.title));
      group.append(make("rect", { class: "brush", x: x(at) - 9, width: 18 }));
      group.addEventListener("pointerdown", (event) => drag(event, group, at));
      group.addEventListener("keydown", (event) => step(event, at));
      return group;
    }

    function drag(event, group, at) {
      const box = group.ownerSVGElement.getBoundingClientRect();
      const of = (moved) => shareAt(((moved.clientY - box.top) * SIZE.height) / box.height);
      const from = of(event);
      group.setPointerCapture(event.pointerId);
      const move = (moved) => { brushes[at] = [from, of(moved)].sort((a, b) => a - b); keep(); };
      const end = (moved) => {
        if (Math.abs(of(moved) - from) < 0.015) { brushes[at] = null; keep(); }
        group.removeEventListener("pointermove", move);
        group.removeEventListener("pointerup", end);
      };
      group.addEventListener("pointermove", move);
      group.addEventListener("pointerup", end);
    }

    // With the keyboard, a window of a fifth of the axis, or one choice, moves along it.
    function step(event, at) {
      if (event.key === "Escape") brushes.fill(null);
      else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
        const half = axes[at].scale === "choices" && axes[at].ticks.length > 1 ? 0.5 / (axes[at].ticks.length - 1) : 0.1;
        const middle = brushes[at] ? (brushes[at][0] + brushes[at][1]) / 2 + (event.key === "ArrowUp" ? 2 : -2) * half : event.key === "ArrowUp" ? 0 : 1;
        if (middle < -0.001 || middle > 1.001) brushes[at] = null;
        else brushes[at] = [middle - half, middle + half];
      } else return;
      event.preventDefault();
      keep();
    }

    const passes = (line) => brushes.every((brush, at) => !brush || (line.places[at] != null && line.places[at] >= brush[0] - 1e-9 && line.places[at] <= brush[1] + 1e-9));

    function keep() {
      const any = brushes.some(Boolean);
      let count = 0;
      for (const line of lines) {
        const kept = passes(line);
        count += kept;
        paths.get(line.trial)?.classList.toggle("out", !kept);
        if (row(line.trial)) row(line.trial).hidden = !kept;
      }
      for (const other of document.querySelectorAll("tr[data-trial]")) {
        if (!lines.some((line) => String(line.trial) === other.dataset.trial)) other.hidden = any;
      }
      place.querySelectorAll(".axis").forEach((group, at) => {
        const brush = brushes[at], box = group.querySelector(".brush");
        const [low, high] = brush || [0, 1];
        box.setAttribute("y", y(Math.min(1, high)));
        box.setAttribute("height", brush ? Math.max(2, y(Math.max(0, low)) - y(Math.min(1, high))) : 0);
        group.setAttribute("aria-valuenow", Math.round(50 * (low + high)));
        group.setAttribute("aria-valuetext", brush ? `from ${Math.round(100 * Math.max(0, low))} to ${Math.round(100 * Math.min(1, high))} percent of the axis` : "all");
      });
      says.textContent = any ? `${count} of ${lines.length} trials pass; Escape on an axis keeps all.` : "";
    }

    function point(line, on) {
      paths.get(line.trial).classList.toggle("pointed", on);
      row(line.trial)?.classList.toggle("pointed", on);
      if (on) says.textContent = `Trial ${line.trial}: ${line.reached}; ${line.setting}`;
      else keep();
    }

    for (const line of lines) {
      row(line.trial)?.addEventListener("pointerenter", () => point(line, true));
      row(line.trial)?.addEventListener("pointerleave", () => point(line, false));
    }
    draw();
    new ResizeObserver(() => { if (place.clientWidth && Math.abs(place.clientWidth - width) > 1 && place.clientWidth >= 150 * axes.length) draw(); }).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }

  document.querySelectorAll("figure.coordinates").forEach(show);
  for (const button of document.querySelectorAll("button.copy")) {
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    });
  }
})();
