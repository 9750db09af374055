"use strict";
// Keeps the board's tables and a running training's curves up to date while the page is open.
(() => {
  const every = 2000;
  const text = (value) => (value == null ? "–" : Number(value.toPrecision(5)).toString());

  function span(seconds) {
    for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]]) {
      if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
    }
    return `${Math.round(seconds)} s`;
  }

  function cell(row, content, tag = "td") {
    const made = document.createElement(tag);
    made.append(content);
    row.append(made);
    return made;
  }

  function link(address, label) {
    const made = document.createElement("a");
    made.href = address;
    made.textContent = label;
    return made;
  }

  function badge(status) {
    const made = document.createElement("span");
    made.className = `badge ${status}`;
    made.textContent = status;
    return made;
  }

  function repeat(work) {
    const again = async () => {
      if (!document.hidden) await work();
      setTimeout(again, every);
    };
    again();
  }

  // The list of all runs.
  function board(table) {
    const form = document.getElementById("choice");
    const compare = document.getElementById("compare");
    const ticked = new Set();
    let shown = "";

    function tick(address, label) {
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = ticked.has(address);
      box.setAttribute("aria-label", `compare ${label}`);
      box.addEventListener("change", () => {
        if (box.checked) ticked.add(address); else ticked.delete(address);
        compare.disabled = ticked.size < 2;
      });
      return box;
    }

    function runRow(run) {
      const row = document.createElement("tr");
      cell(row, tick(run.address, run.run));
      cell(row, link(`/run/${encodeURI(run.address)}`, run.run), "th").scope = "row";
      cell(row, badge(run.status));
      cell(row, span(run.age));
      cell(row, span(run.seconds));
      cell(row, String(run.epochs));
      cell(row, run.metric);
      cell(row, text(run.value));
      cell(row, text(run.trivial));
      cell(row, run.tags.join(" "));
      return row;
    }

    function sweepRow(sweep) {
      const row = document.createElement("tr");
      cell(row, link(`/sweep/${encodeURI(sweep.address)}`, sweep.sweep), "th").scope = "row";
      cell(row, badge(sweep.status));
      cell(row, `${sweep.ended} of ${sweep.trials}`);
      cell(row, sweep.metric);
      cell(row, text(sweep.best));
      return row;
    }

    async function load() {
      const query = new URLSearchParams(new FormData(form));
      const problem = document.getElementById("problem");
      try {
        const answer = await fetch(`/api/runs?${query}`);
        problem.textContent = answer.ok ? "" : await answer.text();
        if (answer.ok) show(await answer.json());
      } catch {
        problem.textContent = "dl board does not answer: it has been stopped";
      }
    }

    function show(found) {
      const fixed = JSON.stringify([found, [...ticked]], (key, value) => (key === "age" ? undefined : value));
      document.getElementById("age").textContent = `· ${new Date().toLocaleTimeString()}`;
      if (fixed === shown) return;
      shown = fixed;
      table.tBodies[0].replaceChildren(...found.runs.map(runRow));
      document.getElementById("count").textContent = `${found.runs.length} runs`;
      document.getElementById("damaged").replaceChildren(...found.damaged.map((said) => {
        const line = document.createElement("li");
        line.textContent = said;
        return line;
      }));
      const sweeps = document.getElementById("sweeps");
      sweeps.tBodies[0].replaceChildren(...found.sweeps.map(sweepRow));
      sweeps.hidden = document.getElementById("sweeps-title").hidden = !found.sweeps.length;
    }

    form.addEventListener("submit", (event) => { event.preventDefault(); load(); });
    for (const button of table.querySelectorAll("button[data-sort]")) {
      button.addEventListener("click", () => {
        const key = button.dataset.sort;
        form.sort.value = form.sort.value === `-${key}` ? key : `-${key}`;
        load();
      });
    }
    compare.addEventListener("click", () => {
      location.href = `/compare?${new URLSearchParams([...ticked].map((run) => ["run", run]))}`;
    });
    repeat(load);
  }

  // The curves of a run that trains.
  function live(state) {
    repeat(async () => {
      const answer = await fetch(`/api/curves/${encodeURI(state.dataset.address)}`);
      if (!answer.ok) return;
      const now = await answer.json();
      const figures = [...document.querySelectorAll("figure.chart")];
      if (now.status !== "running" || now.charts.length !== figures.length) return location.reload();
      state.textContent = `running, ${now.epochs} epochs`;
      figures.forEach((figure, place) => figure.update(now.charts[place]));
    });
  }

  const table = document.getElementById("runs");
  if (table) board(table);
  const state = document.getElementById("live");
  if (state) live(state);
})();
