"use strict";
// The list of runs, as a table or as cards, kept up to date while the page is open.
const board = (() => {
  const every = 2000;
  const $ = (id) => document.getElementById(id);
  const { token, logSpan } = JSON.parse($("board").textContent);
  const form = $("choice");
  const kept = "dl board";
  const usual = "curve,result,verdict,status,age,took,note";

  // What the user chose: in the address, so that it can be sent on; columns also for the next visit.
  const state = (() => {
    const query = new URLSearchParams(location.search);
    const before = JSON.parse(localStorage.getItem(kept) || "{}");
    const of = (name, or) => query.get(name) ?? before[name] ?? or;
    return {
      filter: query.get("filter") || "", sort: query.get("sort") || "", limit: 25,
      view: of("view", "table"), columns: of("columns", usual).split(",").filter(Boolean),
      ticked: query.getAll("run"), baseline: query.get("baseline") || "",
      measure: query.get("measure") || "", x: query.get("x") || "epoch",
      smooth: Number(query.get("smooth") || 0), log: query.get("log") || "", seeds: query.has("seeds"),
      across: query.get("across") || "", up: query.get("up") || "",
    };
  })();

  function keep() {
    const query = new URLSearchParams();
    for (const name of ["filter", "sort", "baseline", "measure", "log", "across", "up"]) if (state[name]) query.set(name, state[name]);
    if (state.view !== "table") query.set("view", state.view);
    if (state.columns.join() !== usual) query.set("columns", state.columns.join());
    if (state.x !== "epoch") query.set("x", state.x);
    if (state.smooth) query.set("smooth", state.smooth);
    if (state.seeds) query.set("seeds", "1");
    for (const run of state.ticked) query.append("run", run);
    history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}${location.hash}`);
    localStorage.setItem(kept, JSON.stringify({ columns: state.columns.join(), view: state.view }));
  }

  // Answers that are the same as before are null: then nothing is drawn again.
  const tags = new Map();
  async function ask(address, again = false) {
    const headers = again || !tags.has(address) ? {} : { "If-None-Match": tags.get(address) };
    const answer = await fetch(address, { headers });
    if (answer.status === 304) return null;
    const content = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(content.problem), content);
    tags.set(address, answer.headers.get("ETag"));
    return content;
  }

  function make(tag, attributes = {}, ...inside) {
    const svg = tag.startsWith("svg:") || ["svg", "path", "circle", "rect", "line", "text", "g", "title"].includes(tag);
    const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag.replace("svg:", "")) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (value != null) made.setAttribute(name, value);
    made.append(...inside.filter((one) => one != null));
    return made;
  }

  const pageOf = (address) => `/run/${encodeURI(address)}`;

  function span(seconds) {
    for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]]) {
      if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
    }
    return `${Math.max(0, Math.floor(seconds))} s`;
  }

  // As `dl.text.duration` says it: 0.7 s, 12 s, 3 min 20 s, 2 h 5 min.
  function took(seconds) {
    if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
    const whole = Math.round(seconds), minutes = Math.floor(whole / 60);
    if (!minutes) return `${whole} s`;
    return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }

  // Ages and the time of what trains grow by themselves.
  const since = (started) => make("time", { "data-since": started, datetime: new Date(started * 1000).toISOString() }, span(Date.now() / 1000 - started));
  setInterval(() => {
    for (const one of document.querySelectorAll("time[data-since]")) {
      const text = span(Date.now() / 1000 - one.dataset.since);
      if (one.textContent !== text) one.textContent = text;
    }
  }, 1000);

  // Curves in a box of 100 x 30, all of them on one scale.
  function paths(curves, log) {
    const scale = (v) => (v != null && log ? (v > 0 ? Math.log10(v) : null) : v);
    curves = curves.map(({ values, look }) => ({ look, values: values.map(scale) }));
    const values = curves.flatMap(({ values }) => values).filter((v) => v != null);
    const low = Math.min(...values), high = Math.max(...values);
    return curves.map(({ values, look }) => {
      let pen = "M";
      const place = values.map((value, at) => {
        if (value == null) { pen = "M"; return ""; }
        const x = values.length > 1 ? (100 * at) / (values.length - 1) : 50;
        const point = `${pen}${x.toFixed(1)} ${(high > low ? 28 - (26 * (value - low)) / (high - low) : 15).toFixed(1)}`;
        pen = "L";
        return values.length > 1 ? point : `M${x - 8} 15h16`;
      });
      return make("path", { class: look, d: place.join("") });
    });
  }

  function spark(run) {
    const curves = Object.entries(run.spark).map(([look, values]) => ({ look, values }));
    if (!curves.length) return make("span", { class: "quiet" }, "–");
    const says = curves.map(({ look, values }) => `${look} from ${values.find((v) => v != null)} to ${values.at(-1)}`);
    return make("svg", { class: "spark", viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img", "aria-label": `${run.label}: ${says.join(", ")}` }, ...paths(curves, run.log));
  }

  function progress(run) {
    const box = make("span");
    if (run.planned) {
      const bar = make("span", { class: "progress", role: "progressbar", "aria-label": `epochs of ${run.run}`, "aria-valuemin": 0, "aria-valuemax": run.planned, "aria-valuenow": run.epochs }, make("i"));
      bar.style.setProperty("--share", run.epochs / run.planned);
      box.append(bar);
    }
    box.append(run.planned ? `${run.epochs}/${run.planned}` : `${run.epochs} epochs`);
    return box;
  }

  const rows = new Map();
  const told = new Map(); // by address: best, alike or worse, where that was tested

  function change(run) {
    const base = rows.get(state.baseline);
    if (!base || base.address === run.address || base.label !== run.label || run.value == null || base.value == null) return null;
    const by = run.value - base.value;
    const better = by === 0 ? "" : (by > 0) === run.rises ? "better" : "worse";
    return make("span", { class: better, title: `against ${base.run}` }, ` ${by > 0 ? "+" : by < 0 ? "−" : "±"}${dlNumber(Math.abs(by))}`);
  }

  const COLUMNS = {
    curve: { title: "curve", cell: (run) => [spark(run)] },
    result: {
      title: "result", sort: () => [...rows.values()].find((run) => run.metric)?.metric,
      cell: (run) => [make("b", {}, run.shown || "–"), make("small", {}, run.label, change(run))],
    },
    baseline: { title: "guessing", cell: (run) => [run.simple || "–"] },
    verdict: { title: "verdict", cell: (run) => [make("span", { class: run.good === false ? "bad" : null }, run.verdict)] },
    status: { title: "status", sort: () => "status", cell: (run) => (run.status === "running" ? [make("span", {}, "running"), make("small", {}, progress(run))] : [make("span", { class: run.status === "completed" ? "quiet" : "bad" }, run.status)]) },
    age: { title: "age", sort: () => "started", cell: (run) => [since(run.started)] },
    took: { title: "took", sort: () => "seconds", cell: (run) => [run.status === "running" ? since(run.started) : took(run.seconds)] },
    epochs: { title: "epochs", sort: () => "epochs", cell: (run) => [run.status === "running" && run.planned ? `${run.epochs}/${run.planned}` : String(run.epochs)] },
    seed: { title: "seed", sort: () => "seed", cell: (run) => [String(run.seed)] },
    note: { title: "note", cell: (run) => [noteOf(run)] },
  };
  const CLASSES = { age: "age", verdict: "said", result: "result", curve: "curve", note: "note-cell", epochs: "number", seed: "number" };
  const more = () => state.columns.filter((name) => !(name in COLUMNS));

  function noteOf(run) {
    const box = make("span", {}, run.note);
    if (!token) return box;
    const button = make("button", { type: "button", "aria-label": `${run.note ? "edit the" : "write a"} note on ${run.run}` }, run.note ? "edit" : "note…");
    button.addEventListener("click", () => writeNote(run));
    if (run.note) box.append(" ");
    box.append(button);
    return box;
  }

  function writeNote(run) {
    const dialog = $("note"), area = dialog.querySelector("textarea"), problem = dialog.querySelector(".error");
    $("note-title").textContent = `Note on ${run.run}`;
    area.value = run.note;
    problem.textContent = "";
    dialog.returnValue = "";
    dialog.onclose = async () => {
      if (dialog.returnValue !== "save") return;
      const answer = await fetch(`/api/note/${encodeURI(run.address)}`, { method: "POST", headers: { "X-Board-Token": token, "Content-Type": "text/plain" }, body: area.value });
      if (answer.ok) return load(true);
      problem.textContent = (await answer.json()).problem;
      dialog.showModal();
    };
    dialog.showModal();
  }

  function tick(run) {
    const box = make("input", { type: "checkbox", "aria-label": `tick ${run.run}` });
    box.checked = state.ticked.includes(run.address);
    box.addEventListener("change", () => {
      state.ticked = state.ticked.filter((one) => one !== run.address);
      if (box.checked) state.ticked.push(run.address);
      chosen();
    });
    return box;
  }

  function rowOf(run) {
    const row = make("tr", { "data-address": run.address });
    row.append(make("td", { class: "tick" }, tick(run)));
    const swatch = make("span", { class: "swatch" });
    const tagged = run.tags.map((tag) => make("span", { class: "tag" }, tag));
    row.append(make("th", { scope: "row" }, swatch, make("a", { href: pageOf(run.address) }, run.run), tagged.length ? make("br") : null, ...tagged));
    for (const name of state.columns) {
      const own = COLUMNS[name];
      const place = more().indexOf(name);
      const wide = own ? null : name.split(".").at(-1);
      row.append(make("td", { class: own ? CLASSES[name] : "number", "data-title": own && !["seed", "epochs", "took", "age"].includes(name) ? null : wide || own.title }, ...(own ? own.cell(run) : [run.columns[place] ?? ""])));
    }
    return row;
  }

  function head() {
    const cells = [make("th", { scope: "col", class: "tick" }, "tick"), sortable("run", "run")];
    for (const name of state.columns) {
      const own = COLUMNS[name];
      const cell = sortable(own ? own.title : name, own ? own.sort : name);
      if (!own) cell.classList.add("number");
      cells.push(cell);
    }
    document.querySelector("#runs thead tr").replaceChildren(...cells);
  }

  function sortable(title, key) {
    const cell = make("th", { scope: "col" });
    if (!key) { cell.append(title); return cell; }
    const button = make("button", { type: "button", "data-sort": title }, title);
    const by = () => (typeof key === "function" ? key() : key);
    const now = state.sort || "-started";
    if (now.replace(/^-/, "") === by()) cell.setAttribute("aria-sort", now.startsWith("-") ? "descending" : "ascending");
    button.addEventListener("click", () => {
      if (!by()) return;
      state.sort = form.sort.value = state.sort === `-${by()}` ? by() : `-${by()}`;
      load(true);
    });
    cell.append(button);
    return cell;
  }

  // Only rows that changed are made again, so that what has the focus or is being read stays.
  const drawn = new Map();
  function table(found) {
    const body = $("runs").tBodies[0];
    const wanted = found.map((run) => {
      const content = JSON.stringify([run, state.columns, state.baseline && rows.get(state.baseline)?.value, told.get(run.address)]);
      let known = drawn.get(run.address);
      if (known?.content !== content) {
        const row = rowOf(run);
        const mark = told.get(run.address);
        const cell = row.querySelector(".result");
        if (cell && mark) {
          cell.classList.add(mark.is);
          cell.title = mark.says;
          if (mark.is !== "worse-than") cell.append(make("small", {}, mark.short));
        }
        const within = known?.row.contains(document.activeElement) && [...known.row.querySelectorAll("a, button, input")].indexOf(document.activeElement);
        known?.row.replaceWith(row);
        if (Number.isInteger(within)) row.querySelectorAll("a, button, input")[within]?.focus();
        known = { content, row };
        drawn.set(run.address, known);
      }
      return known.row;
    });
    if (wanted.length !== body.rows.length || wanted.some((row, at) => body.rows[at] !== row)) body.replaceChildren(...wanted);
  }

  function card(one) {
    const best = one.best;
    const curves = one.curves.map(({ address, spark }) => {
      const part = spark.validation ? "validation" : "training";
      const look = one.running.includes(address) ? "growing" : best?.address === address ? part : "grey";
      return { look, values: spark[part] || [] };
    }).filter(({ values }) => values.length).sort((a, b) => (a.look !== "grey") - (b.look !== "grey"));
    const filter = make("a", { href: `/?filter=${encodeURIComponent(`name=${one.name}`)}` }, one.name);
    const made = make("article", { class: "card", "data-name": one.name }, make("h3", {}, filter, make("small", {}, one.count === 1 ? "1 run" : `${one.count} runs`)));
    if (best) made.append(make("div", {}, make("b", {}, best.shown), " ", make("a", { href: pageOf(best.address) }, best.run), make("small", {}, `best ${best.label}`)));
    if (curves.length) made.append(make("svg", { class: "spark", viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img", "aria-label": `curves of the last ${curves.length} runs of ${one.name}` }, ...paths(curves, (best || one.newest).log)));
    const strip = stripOf(one);
    if (strip) made.append(strip);
    for (const address of one.running) made.append(make("p", {}, make("a", { href: pageOf(address) }, address), " ", rows.has(address) ? progress(rows.get(address)) : "running"));
    const says = (best || one.newest).verdict;
    if (says) made.append(make("p", { class: (best || one.newest).good === false ? "bad" : null }, says));
    return made;
  }

  // The results of a name in the order of its runs; grey is what cannot be told from the best.
  function stripOf(one) {
    const some = one.results.filter((run) => run.value != null && one.best && run.label === one.best.label);
    if (some.length < 2) return null;
    const values = some.map((run) => run.value), low = Math.min(...values), high = Math.max(...values);
    const y = (value) => (high > low ? 50 - (42 * (value - low)) / (high - low) : 29);
    const parts = [];
    const open = some.filter((run) => ["alike", "best-of"].includes(told.get(run.address)?.is)).map((run) => y(run.value));
    if (open.length > 1) parts.push(make("rect", { x: 0, width: 300, y: Math.min(...open) - 5, height: Math.max(...open) - Math.min(...open) + 10, rx: 3 }, make("title", {}, `not distinguishable from ${one.best.run}`)));
    some.forEach((run, at) => parts.push(make("circle", { class: run.address === one.best.address ? "best" : null, cx: 8 + (284 * at) / (some.length - 1), cy: y(run.value), r: 3.5 }, make("title", {}, `${run.run}: ${run.shown}`))));
    return make("svg", { class: "strip", viewBox: "0 0 300 58", preserveAspectRatio: "none", role: "img", "aria-label": `${one.best.label} of ${some.length} runs, from ${some[0].shown} to ${some.at(-1).shown}${open.length > 1 ? `; ${open.length} not distinguishable from the best` : ""}` }, ...parts);
  }

  // Which runs are as good as the best of their name, as far as the rows can tell.
  const tested = new Map();
  async function tellApart() {
    const names = new Map();
    for (const run of rows.values()) if (run.value != null) names.set(run.name, [...(names.get(run.name) || []), run.address, run.shown]);
    let news = false;
    for (const [name, content] of names) {
      if (content.length < 4 || tested.get(name) === content.join()) continue;
      tested.set(name, content.join());
      const found = await ask(`/api/alike/${encodeURIComponent(name)}`, true).catch(() => null);
      if (!found?.best || !(found.alike.length + found.worse.length)) continue;
      const label = rows.get(found.best)?.run || found.best;
      told.set(found.best, { is: "best-of", short: `best of ${name}`, says: `the best of ${name}` });
      for (const run of found.alike) told.set(run, { is: "alike", short: "≈ best", says: `not distinguishable from ${label}, the best of ${name}, on the same rows` });
      for (const run of found.worse) told.set(run, { is: "worse-than", short: "", says: `worse than ${label}, the best of ${name}: more than chance` });
      news = true;
    }
    if (news) show();
  }

  let found = null, cards = null;
  function show() {
    if (!found) return;
    $("count").textContent = `· ${found.count.toLocaleString("en")} ${found.count === 1 ? "run" : "runs"}`;
    const left = found.count - found.runs.length;
    $("more").hidden = left <= 0 || state.view === "cards";
    $("more").textContent = `Show ${Math.min(left, 100)} more of ${found.count.toLocaleString("en")}`;
    $("none").hidden = found.count > 0;
    $("none").textContent = state.filter ? "No run fulfils the filter." : "No runs yet: dl train CONFIG makes one.";
    $("table").hidden = state.view !== "table" || !found.count;
    $("cards").hidden = state.view !== "cards";
    if (state.view === "cards" && cards) $("cards").replaceChildren(...cards.map(card));
    else table(found.runs);
    $("damaged").replaceChildren(...found.damaged.map((said) => make("li", {}, said)));
    sweeps(found.sweeps);
    baselines();
    chosen();
  }

  function sweeps(some) {
    for (const one of document.querySelectorAll(".of-sweeps")) one.hidden = !some.length;
    document.querySelector("#sweeps tbody").replaceChildren(...some.map((sweep) => make("tr", {},
      make("th", { scope: "row" }, make("a", { href: `/sweep/${encodeURI(sweep.address)}` }, sweep.sweep)),
      make("td", {}, make("b", {}, sweep.best || "–"), " ", make("small", { class: "quiet" }, sweep.metric)),
      make("td", { class: "number" }, `${sweep.ended} of ${sweep.trials}`),
      make("td", { class: sweep.status === "completed" ? "quiet" : sweep.status === "running" ? null : "bad" }, sweep.status),
      make("td", { class: "said" }, sweep.verdict))));
  }

  function baselines() {
    const select = $("baseline");
    const wanted = ["", ...[...rows.values()].filter((run) => run.value != null).map((run) => run.address)];
    if (state.baseline && !wanted.includes(state.baseline)) wanted.push(state.baseline);
    if ([...select.options].map((one) => one.value).join() === wanted.join()) return;
    select.replaceChildren(...wanted.map((address) => make("option", { value: address }, address ? rows.get(address)?.run || address : "none")));
    select.value = state.baseline;
  }

  const watchers = [];
  function chosen() {
    $("compare").disabled = state.ticked.length < 2;
    $("compare").textContent = state.ticked.length > 1 ? `Compare ${state.ticked.length} runs` : "Compare";
    $("untick").hidden = !state.ticked.length;
    keep();
    for (const watcher of watchers) watcher();
  }

  let latest = 0, refused = false;
  async function load(again = false) {
    const mine = ++latest;
    const choice = { filter: state.filter, sort: state.sort };
    const query = new URLSearchParams({ ...choice, limit: state.limit, columns: more().join() });
    const problem = $("problem");
    try {
      const [list, names] = [await ask(`/api/runs?${query}`, again), state.view === "cards" ? await ask(`/api/cards?${new URLSearchParams(choice)}`, again) : null];
      if (mine !== latest) return;
      problem.textContent = "";
      refused = false;
      $("age").textContent = `· ${new Date().toTimeString().slice(0, 8)}`;
      if (names) cards = names.cards;
      if (list) {
        found = list;
        rows.clear();
        for (const run of list.runs) rows.set(run.address, run);
        if (again) head();
      }
      if (list || names) { show(); await tellApart(); }
    } catch (error) {
      if (mine !== latest) return;
      problem.textContent = error.problem ? [error.problem, error.hint].filter(Boolean).join("; ") : "dl board does not answer: it has been stopped";
      if (!error.problem) return;
      refused = true;
      rows.clear();
      drawn.clear();
      found = null;
      $("runs").tBodies[0].replaceChildren();
      $("cards").replaceChildren();
      $("count").textContent = "";
      $("more").hidden = true;
      chosen();
    }
  }

  function columnMenu() {
    const box = document.querySelector("#columns > div");
    const known = Object.keys(COLUMNS).map((name) => {
      const input = make("input", { type: "checkbox", value: name });
      input.checked = state.columns.includes(name);
      return make("label", {}, input, COLUMNS[name].title);
    });
    const own = make("input", { list: "keys", autocomplete: "off", value: more().join(", "), placeholder: "training.batch_size, test.loss", size: 30 });
    box.replaceChildren(...known, make("label", {}, "more", own));
    box.addEventListener("change", () => {
      const shown = [...box.querySelectorAll(":checked")].map((input) => input.value);
      state.columns = [...shown, ...own.value.split(",").map((key) => key.trim()).filter(Boolean)];
      drawn.clear();
      load(true);
    });
  }

  let asked = false;
  async function keys() {
    if (asked) return;
    asked = true;
    const found = await ask("/api/keys").catch(() => null);
    if (found) $("keys").replaceChildren(...found.keys.map((key) => make("option", { value: key })));
  }

  function view() {
    for (const button of document.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", String(button.dataset.view === state.view));
  }

  form.filter.value = state.filter;
  form.sort.value = state.sort;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    state.filter = form.filter.value;
    state.sort = form.sort.value;
    state.limit = 25;
    load(true);
  });
  form.filter.addEventListener("search", () => { if (!form.filter.value && state.filter) form.requestSubmit(); });
  for (const button of document.querySelectorAll(".example")) {
    button.addEventListener("click", () => { form.filter.value = button.textContent; form.requestSubmit(); });
  }
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => { state.view = button.dataset.view; view(); load(true); });
  }
  $("baseline").addEventListener("change", (event) => { state.baseline = event.target.value; show(); });
  $("more").addEventListener("click", () => { state.limit += 100; load(true); });
  $("untick").addEventListener("click", () => {
    state.ticked = [];
    for (const box of document.querySelectorAll("#runs .tick input")) box.checked = false;
    chosen();
  });
  $("compare").addEventListener("click", () => {
    const query = new URLSearchParams(state.ticked.map((run) => ["run", run]));
    if (state.ticked.includes(state.baseline)) query.set("reference", state.baseline);
    location.href = `/compare?${query}`;
  });
  document.addEventListener("focusin", (event) => { if (event.target.getAttribute("list") === "keys") keys(); });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  columnMenu();
  view();
  const again = async (first) => {
    // What was refused is asked again when it has changed.
    if (!document.hidden && !refused) await load(first);
    setTimeout(again, every);
  };
  // After the other scripts, which want to be told of the runs.
  window.addEventListener("DOMContentLoaded", () => again(true));
  return { $, ask, every, logSpan, keep, make, pageOf, rows, state, watch: (watcher) => watchers.push(watcher), found: () => found };
})();
