"use strict";
// The page of dl play: asks for pictures as fast as it can show them, and sends what is changed.
(() => {
  const at = (id) => document.getElementById(id);
  const known = JSON.parse(at("known").textContent);
  const { words, limits } = known;
  const news = { number: 0, version: 0, course: 0 }; // what the page has
  let scene = null, values = null, layers = [], arrays = {}, history = [], state = "";
  let points = [], brush = 0, cursor = null, edited = 0, busy = 0, painted = 0;
  let plot = null, logarithmic = false;

  // Talking to the server

  async function post(address, content) {
    busy++;
    try {
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(content) });
      const told = await answer.json();
      at("problem").textContent = answer.ok ? "" : [told.problem, told.hint].filter(Boolean).join(" · ");
      return answer.ok;
    } catch {
      at("problem").textContent = words.gone;
      return false;
    } finally {
      busy--;
    }
  }

  const change = (asked) => post("api/change", asked);
  const act = (action) => post("api/act", { action, tempo: Number(at("tempo").value) });
  const waiting = new Map();

  // Sends a change once it has stood still for a moment.
  function soon(key, work, wait = 200) {
    clearTimeout(waiting.get(key));
    waiting.set(key, setTimeout(work, wait));
  }

  function unpacked(content) {
    const size = new DataView(content).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(content, 4, size)));
    const found = {};
    for (const { name, shape, bytes, at: place } of header.arrays) {
      const length = shape.reduce((all, each) => all * each, 1);
      const Kind = bytes === 1 ? Uint8Array : Float32Array;
      found[name] = Object.assign(new Kind(content, 4 + size + place, length), { shape });
    }
    return [header, found];
  }

  async function follow() {
    for (;;) {
      try {
        if (document.hidden) await new Promise((done) => setTimeout(done, 300));
        const asked = new URLSearchParams({ after: news.number, version: news.version, course: news.course, rows: history.length });
        const answer = await fetch(`api/picture?${asked}`);
        if (answer.status === 200) show(...unpacked(await answer.arrayBuffer()));
        if (at("problem").textContent === words.gone) at("problem").textContent = "";
      } catch {
        at("problem").textContent = words.gone;
        await new Promise((done) => setTimeout(done, 1000));
      }
    }
  }

  // What comes from the server

  function show(header, found) {
    if (header.course !== news.course) history = [];
    history = history.slice(0, header.begin).concat(header.history);
    Object.assign(news, { number: header.number, version: header.version ?? 0, course: header.course ?? 0 });
    arrays = found;
    values = found.plane || null;
    if (header.scene && header.scene.names) takeScene(header.scene);
    setState(header);
    if (scene) draw();
    soonDrawCurve();
    showFindings(header);
    document.documentElement.dataset.pictures = ++painted;
  }

  function setState(header) {
    state = header.state;
    const train = at("train"), on = state === "training";
    train.setAttribute("aria-pressed", on);
    const said = on ? `❚❚ ${words.pause}` : `▶ ${words.train}`;
    if (train.textContent !== said) train.textContent = said;
    const told = words[state] || "";
    if (at("state").textContent !== told) at("state").textContent = told;
    if (header.problem) at("problem").textContent = [header.problem, header.hint].filter(Boolean).join(" · ");
    else if (!busy && header.state === "training") at("problem").textContent = "";
    const within = !on && header.step && header.steps > 1 ? ` · ${words.batch_of} ${header.step}/${header.steps}` : "";
    at("epoch").textContent = header.epoch == null ? "–" : `${words.epoch} ${header.epoch.toLocaleString(document.documentElement.lang)}${within}`;
    showLosses();
    at("exact").textContent = header.exact ? words.config_hint : words.config_inexact;
    if (state !== "training") soon("yaml", showConfig, 100);
    else if (!waiting.get("later")) waiting.set("later", setTimeout(() => { waiting.delete("later"); showConfig(); }, 2000));
  }

  function showLosses() {
    const row = history.at(-1);
    const parts = row ? [["training", "loss", "accuracy"], ["validation", "val_loss", "val_accuracy"]].filter(([, loss]) => loss in row) : [];
    at("losses").replaceChildren(...parts.map(([part, loss, accuracy]) => {
      const said = made("span", "", { class: part });
      const right = accuracy in row ? `, ${words.accuracy} ${(100 * row[accuracy]).toFixed(0)} %` : "";
      said.append(made("i"), `${words[`${part}_part`]} ${dlNumber(row[loss])}${right}`);
      return said;
    }));
  }

  function takeScene(told) {
    scene = told;
    scene.known = scene.classes.length; // one that is being painted has points, and no ground yet
    const own = performance.now() - edited > 1500 && !busy;
    if (own || !points.length) points = scene.points;
    const numbers = scene.points.map((point) => Number(point[2]));
    scene.span = scene.numbers && numbers.length ? [Math.min(...numbers), Math.max(...numbers)] : [-1, 1];
    [["low-x", scene.low[0]], ["high-x", scene.high[0]], ["low-y", scene.low[1]], ["high-y", scene.high[1]]].forEach(([id, value]) => { at(id).textContent = dlNumber(Number(value.toPrecision(3))); });
    at("name-x").textContent = scene.names[0];
    at("name-y").textContent = scene.names[1];
    at("plane").dataset.points = scene.points.length;
    at("plane").classList.toggle("still", !scene.paintable);
    at("plane-hint").textContent = (scene.paintable ? words.plane_hint : words.plane_only) + (scene.rows.validation || scene.rows.test ? ` ${words.pale}` : "");
    at("others").hidden = !scene.others.length;
    at("others").textContent = `${words.at_mean} ${scene.others.join(", ")}`;
    at("left").hidden = !scene.left_out.length;
    at("left").textContent = `${words.left_out} ${scene.left_out.join(", ")}`;
    at("save-points").hidden = !scene.own;
    showBrushes();
    showSettings();
    showLayers();
  }

  // The network

  function showLayers() {
    const box = at("layers"), focus = document.activeElement?.dataset?.key;
    layers = scene.layers.filter((layer) => layer.type !== "Input");
    const columns = [inputColumn(), ...layers.map((layer, place) => column(layer, place))];
    box.replaceChildren(at("wires") || made("canvas", "", { id: "wires", "aria-hidden": "true" }), ...columns);
    if (focus) box.querySelector(`[data-key="${focus}"]`)?.focus();
  }

  function inputColumn() {
    const made_ = made("div", "", { class: "layer input" }), head = made("header");
    head.append(made("b", words.inputs));
    const units = made("div", "", { class: "units", "aria-hidden": "true" });
    scene.names.forEach((name, axis) => {
      const figure = made("figure"), canvas = made("canvas", "", { "data-input": axis });
      dlPlay.unit(canvas, Uint8Array.from({ length: 1024 }, (_, place) => 255 * ((axis ? place >> 5 : place % 32) / 31)), 32);
      figure.append(canvas, made("span", name));
      units.append(figure);
    });
    if (scene.others.length) units.append(made("span", `+ ${scene.others.length}`));
    made_.append(head, units);
    return made_;
  }

  function column(layer, place) {
    const box = made("div", "", { class: "layer" }), head = made("header"), last = place === layers.length - 1;
    const number = scene.shown.findIndex((each) => each.at === place);
    const name = last ? words.output : layer.type === "Dense" ? `${words.layer} ${place + 1}` : layer.type;
    head.append(made("b", name));
    if (layer.type === "Dense") head.append(...denseControls(layer, place, last));
    if (!last) {
      const remove = made("button", "×", { type: "button", "aria-label": `${words.remove}: ${name}`, "data-key": `remove ${place}` });
      remove.addEventListener("click", () => changeLayers((all) => all.splice(place, 1)));
      if (layer.rate != null) head.append(made("span", String(layer.rate)));
      (head.querySelector(".amount") || head).append(remove);
    }
    const units = made("div", "", { class: "units", "aria-hidden": "true" });
    if (number >= 0) {
      const count = Math.min(limits.units, scene.shown[number].units);
      units.classList.toggle("many", count > 8);
      for (let each = 0; each < count; each++) units.append(made("canvas", "", { "data-unit": `${number} ${each}` }));
      if (count < scene.shown[number].units) units.append(made("span", `+ ${scene.shown[number].units - count}`));
    }
    box.append(head, units);
    return box;
  }

  function denseControls(layer, place, last) {
    const activation = scene.shown.find((each) => each.at === place)?.activation || "linear";
    if (last) return [made("span", activation)];
    const choice = made("select", "", { "aria-label": `${words.activation}: ${words.layer} ${place + 1}`, "data-key": `activation ${place}` });
    const kinds = ["relu", "tanh", "sigmoid", "linear", "leaky_relu", "elu", "gelu", "heaviside"];
    fill(choice, [...new Set([...kinds, activation])], activation);
    choice.addEventListener("change", () => changeLayers((all) => { all[place].activation = choice.value; }));
    const amount = made("span", "", { class: "amount" });
    const button = (sign, by, says) => {
      const made_ = made("button", sign, { type: "button", "aria-label": `${says}: ${words.layer} ${place + 1}`, "data-key": `${sign} ${place}` });
      made_.disabled = layer.units + by < 1 || layer.units + by > limits.units;
      made_.addEventListener("click", () => changeLayers((all) => { all[place].units += by; }));
      return made_;
    };
    amount.append(button("−", -1, words.fewer_units), made("span", String(layer.units)), button("+", 1, words.more_units));
    return [choice, amount];
  }

  function changeLayers(work) {
    const all = structuredClone(scene.layers), inputs = all.filter((layer) => layer.type === "Input");
    const rest = all.filter((layer) => layer.type !== "Input");
    work(rest);
    change({ layers: [...inputs, ...rest] });
  }

  for (const button of document.querySelectorAll("[data-add]")) {
    button.addEventListener("click", () => changeLayers((all) => {
      const before = all.findLast((layer, place) => layer.type === "Dense" && place < all.length - 1);
      const penalty = before?.kernel_regularizer ? { kernel_regularizer: before.kernel_regularizer } : {};
      const layer = button.dataset.add === "Dense" ? { type: "Dense", units: 4, activation: before?.activation || "tanh", ...penalty } : { type: "Dropout", rate: 0.2 };
      all.splice(all.length - 1, 0, layer);
    }));
  }

  // The settings

  function fill(select, choices, chosen) {
    select.replaceChildren(...choices.map((each) => {
      const [value, text] = Array.isArray(each) ? each : [each, each];
      return made("option", String(text), { value: String(value) });
    }));
    select.value = String(chosen);
  }

  const optimizers = ["SGD", "SGD + momentum", "RMSprop", "Adagrad", "Adam", "AdamW", "Nadam"];
  const called = ({ type, momentum }) => {
    const found = optimizers.find((name) => name.toLowerCase() === type.toLowerCase()) || type;
    return found === "SGD" && momentum ? "SGD + momentum" : found;
  };
  const rateOf = (slider) => Number((10 ** Number(slider.value)).toPrecision(2));
  const penaltyOf = () => layers.find((layer) => layer.kernel_regularizer?.type)?.kernel_regularizer;
  // A control that somebody is moving is not set under their hand.
  const isIdle = (element) => document.activeElement !== element;

  function showSettings() {
    const rate = scene.optimizer.learning_rate;
    if (rate && isIdle(at("rate"))) at("rate").value = Math.log10(rate);
    at("rate-said").textContent = rate ? dlNumber(rate) : "–";
    const name = called(scene.optimizer);
    fill(at("optimizer"), [...new Set([...optimizers, name])], name);
    const sizes = [1, 4, 8, 16, 32, 64, 128].filter((size) => size === 1 || size < scene.rows.train * 2);
    const size = scene.batch_size;
    fill(at("batch"), [...new Set([...sizes, ...(size === "full" ? [] : [size])])].sort((a, b) => a - b).map((each) => [each, each]).concat([["full", words.full]]), size);
    const single = scene.classes.length <= 2;
    const kinds = scene.numbers ? ["MeanSquaredError", "MeanAbsoluteError", "Huber"] : single ? ["BinaryCrossentropy", "MeanSquaredError", "Hinge"] : ["SparseCategoricalCrossentropy"];
    fill(at("loss"), [...new Set([...kinds, scene.loss])], scene.loss);
    const penalty = scene.layers.find((layer) => layer.kernel_regularizer?.type)?.kernel_regularizer;
    at("penalty").value = penalty?.type || "";
    const strength = penalty?.l1 ?? penalty?.l2;
    if (strength && isIdle(at("strength"))) at("strength").value = Math.log10(strength);
    at("strength-said").textContent = penalty ? dlNumber(strength ?? 0.01) : "–";
    at("strength").disabled = !penalty;
    if (isIdle(at("seed"))) at("seed").value = scene.seed;
    const curve = scene.data.source === "synthetic" && !["and", "or", "xor"].includes(scene.data.dataset);
    at("made").hidden = !curve;
    if (curve && isIdle(at("noise"))) at("noise").value = scene.data.noise ?? 0.1;
    if (curve && isIdle(at("rows"))) at("rows").value = scene.data.rows ?? 1000;
    at("noise-said").textContent = dlNumber(Number(at("noise").value));
    at("rows-said").textContent = at("rows").value;
    for (const button of document.querySelectorAll("[data-preset]")) button.setAttribute("aria-pressed", scene.data.source === "synthetic" && scene.data.dataset === button.dataset.preset);
    showColumns();
  }

  function showColumns() {
    const names = scene.header.length ? scene.header : scene.columns;
    at("columns").hidden = names.length < 3 && !scene.header.length;
    fill(at("across"), names.filter((name) => !scene.header.length || name !== scene.target), scene.names[0]);
    fill(at("up"), names.filter((name) => !scene.header.length || name !== scene.target), scene.names[1]);
    fill(at("target"), scene.header, scene.target);
    at("whole").checked = !scene.data.features;
    for (const label of document.querySelectorAll(".of-table")) label.hidden = !scene.header.length;
  }

  function changeColumns(event) {
    const axes = [at("across").value, at("up").value];
    if (!scene.header.length) return change({ axes });
    const target = at("target").value, all = scene.header.filter((name) => name !== target);
    if (event.target === at("target") || axes[0] === axes[1]) {
      if (axes[0] === target || axes[0] === axes[1]) axes[0] = all.find((name) => name !== axes[1]);
      if (axes[1] === target) axes[1] = all.find((name) => name !== axes[0]);
    }
    return change({ table: { axes, target, whole: at("whole").checked } });
  }

  for (const id of ["across", "up", "target", "whole"]) at(id).addEventListener("change", changeColumns);

  function changeOptimizer() {
    const name = at("optimizer").value, rate = rateOf(at("rate"));
    at("rate-said").textContent = dlNumber(rate);
    const same = called(scene.optimizer) === name;
    const momentum = name === "SGD + momentum" ? { momentum: 0.9 } : {};
    const optimizer = same ? { ...scene.optimizer, learning_rate: rate } : { type: name.split(" ")[0], learning_rate: rate, ...momentum };
    soon("optimizer", () => change({ optimizer }));
  }

  function changePenalty() {
    const kind = at("penalty").value, strength = Number((10 ** Number(at("strength").value)).toPrecision(2));
    at("strength").disabled = !kind;
    at("strength-said").textContent = kind ? dlNumber(strength) : "–";
    soon("penalty", () => changeLayers((all) => {
      for (const layer of all.filter((each) => each.type === "Dense")) {
        delete layer.kernel_regularizer;
        if (kind) layer.kernel_regularizer = { type: kind, [kind.toLowerCase()]: strength };
      }
    }));
  }

  at("rate").addEventListener("input", changeOptimizer);
  at("optimizer").addEventListener("change", changeOptimizer);
  at("batch").addEventListener("change", (event) => change({ batch_size: event.target.value === "full" ? "full" : Number(event.target.value) }));
  at("loss").addEventListener("change", (event) => change({ loss: event.target.value }));
  at("penalty").addEventListener("change", changePenalty);
  at("strength").addEventListener("input", changePenalty);
  at("seed").addEventListener("change", (event) => change({ seed: Math.max(0, Math.floor(Number(event.target.value))) }));
  for (const id of ["noise", "rows"]) at(id).addEventListener("input", () => {
    at(`${id}-said`).textContent = dlNumber(Number(at(id).value));
    soon("made", () => change({ made: { noise: Number(at("noise").value), rows: Number(at("rows").value) } }));
  });
  for (const button of document.querySelectorAll("[data-preset]")) {
    dlPlay.sketch(button.querySelector("canvas"), button.dataset.preset);
    button.addEventListener("click", () => { edited = 0; change({ preset: button.dataset.preset }); });
  }
  at("file").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file && file.size > limits.bytes * 0.9) at("problem").textContent = words.too_large;
    else if (file) { edited = 0; await change({ table: { text: await file.text() } }); }
    event.target.value = "";
  });
  at("train").addEventListener("click", () => act(state === "training" ? "pause" : "train"));
  at("tempo").addEventListener("change", () => act(""));
  for (const button of document.querySelectorAll("[data-act]")) button.addEventListener("click", () => act(button.dataset.act));

  // The points

  const eraser = -1;

  function showBrushes() {
    const box = at("brushes"), kinds = scene.numbers ? [] : [...scene.classes];
    box.hidden = !scene.paintable;
    if (!scene.numbers && kinds.length < limits.classes) kinds.push(null);
    if (brush >= kinds.length && !scene.numbers) brush = 0;
    const parts = kinds.map((name, index) => {
      const button = made("button", "", { type: "button", "data-brush": index, "aria-pressed": brush === index });
      const canvas = made("canvas", "", { width: 28, height: 28, "aria-hidden": "true", style: "width:14px;height:14px" }), context = canvas.getContext("2d");
      context.beginPath();
      dlPlay.forms[index % dlPlay.forms.length](context, 14, 14, 9);
      context.fillStyle = dlColour(`--c${index}`);
      context.fill();
      button.append(canvas, name ?? `+ ${words.new_class}`);
      return button;
    });
    if (scene.numbers) {
      const label = made("label", `${words.value} `), input = made("input", "", { type: "number", step: "any", id: "value", value: at("value")?.value ?? dlNumber(scene.span[1]).replaceAll(",", "") });
      label.append(input);
      parts.push(label);
    }
    parts.push(made("button", words.erase, { type: "button", "data-brush": eraser, "aria-pressed": brush === eraser }), made("button", words.clear_all, { type: "button", id: "clear" }));
    box.replaceChildren(box.querySelector("legend"), ...parts);
  }

  function chooseBrush(index) {
    brush = index;
    for (const button of document.querySelectorAll("[data-brush]")) button.setAttribute("aria-pressed", Number(button.dataset.brush) === brush);
  }

  at("brushes").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const index = Number(button?.dataset.brush);
    if (button?.id === "clear") { points = []; act("pause"); touched(); }
    else if (button) chooseBrush(scene.numbers && index === brush ? 0 : index);
  });

  function nameOf(index) {
    if (index < scene.classes.length) return scene.classes[index];
    return scene.classes.every((name) => /^\d+$/.test(name)) ? String(index) : `class ${index + 1}`;
  }

  function place(share, erase) {
    const [x, y] = [0, 1].map((axis) => scene.low[axis] + share[axis] * (scene.high[axis] - scene.low[axis]));
    const near = (point, distance) => Math.hypot((point[0] - x) / (scene.high[0] - scene.low[0]), (point[1] - y) / (scene.high[1] - scene.low[1])) < distance;
    if (erase || brush === eraser) {
      const left = points.filter((point) => !near(point, 0.04));
      if (left.length === points.length) return;
      points = left;
    } else {
      if (points.length >= limits.points) { at("problem").textContent = words.too_many; return; }
      if (points.some((point) => near(point, 0.008))) return;
      const held = (scene.rows.validation || 0) / Math.max(1, scene.points.length);
      const part = held && points.length % Math.round(1 / held) === 0 ? "validation" : "train";
      const said = scene.numbers ? Number(at("value").value) || 0 : nameOf(brush);
      if (!scene.numbers && !scene.classes.includes(said)) scene.classes = [...scene.classes, said];
      points = [...points, [x, y, said, part]];
    }
    touched();
  }

  function isEnough() {
    if (scene.numbers) return points.length >= 4 || words.need_few;
    const counts = new Map();
    for (const point of points.filter((each) => each[3] === "train")) counts.set(point[2], (counts.get(point[2]) || 0) + 1);
    return (counts.size >= 2 && [...counts.values()].every((count) => count >= 2 || points.length === 4)) || words.need_two;
  }

  function touched() {
    edited = performance.now();
    drawPlane();
    const enough = isEnough();
    at("problem").textContent = enough === true ? "" : enough;
    if (enough !== true) return;
    // While a hand draws, the boundary follows it.
    if (!waiting.get("points")) waiting.set("points", setTimeout(() => { waiting.delete("points"); if (isEnough() === true) change({ points }); }, 150));
  }

  let last = null;
  const shareOf = (event) => {
    const box = at("plane").getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
  };
  at("plane").addEventListener("pointerdown", (event) => {
    if (!scene?.paintable || event.button > 2) return;
    at("plane").setPointerCapture(event.pointerId);
    cursor = null;
    last = shareOf(event);
    place(last, event.button === 2 || event.shiftKey);
  });
  at("plane").addEventListener("pointermove", (event) => {
    if (!last) return;
    const now = shareOf(event);
    if (Math.hypot(now[0] - last[0], now[1] - last[1]) < 0.03 || now.some((share) => share < 0 || share > 1)) return;
    last = now;
    place(now, event.buttons === 2 || event.shiftKey);
  });
  for (const name of ["pointerup", "pointercancel"]) at("plane").addEventListener(name, () => { last = null; });
  at("plane").addEventListener("contextmenu", (event) => event.preventDefault());
  at("plane").addEventListener("keydown", (event) => {
    if (!scene?.paintable) return;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (way) cursor = (cursor || [0.5, 0.5]).map((share, axis) => Math.min(1, Math.max(0, share + way[axis] * (event.shiftKey ? 0.1 : 0.025))));
    else if ((event.key === "Enter" || event.key === " ") && cursor) place(cursor, false);
    else if ((event.key === "Delete" || event.key === "Backspace") && cursor) place(cursor, true);
    else if (/^\d$/.test(event.key) && document.querySelector(`[data-brush="${event.key}"]`)) chooseBrush(Number(event.key));
    else return;
    event.preventDefault();
    drawPlane();
  });
  at("plane").addEventListener("blur", () => { cursor = null; if (scene) drawPlane(); });
  at("plane").addEventListener("focus", (event) => { if (scene?.paintable && event.target.matches(":focus-visible")) { cursor = [0.5, 0.5]; drawPlane(); } });

  // Drawing

  function drawPlane() {
    dlPlay.plane(at("plane"), scene, values, points, cursor);
  }

  function draw() {
    drawPlane();
    for (const canvas of document.querySelectorAll("[data-unit]")) {
      const [number, each] = canvas.dataset.unit.split(" ").map(Number), told = arrays[`unit ${number}`];
      if (!told || each >= told.shape[0]) continue;
      const [, side] = told.shape;
      dlPlay.unit(canvas, told.subarray(each * side * side, (each + 1) * side * side), side);
    }
    drawWires();
    if (at("weights").open) showWeights();
  }

  function drawWires() {
    const joints = [];
    let before = [...document.querySelectorAll("[data-input]")];
    scene.shown.forEach((_, number) => {
      const kernel = arrays[`kernel ${number}`], here = [...document.querySelectorAll(`[data-unit^="${number} "]`)];
      if (kernel) {
        const width = kernel.shape[1], rows = number === 0 ? scene.at : [...before.keys()];
        before.forEach((from, row) => here.forEach((to, unit) => joints.push([from, to, kernel[rows[row] * width + unit] ?? 0])));
      }
      before = here;
    });
    dlPlay.wires(at("wires"), joints);
  }

  function showWeights() {
    const tables = scene.shown.map(({ at: place, units }, number) => {
      const kernel = arrays[`kernel ${number}`], bias = arrays[`bias ${number}`], table = made("table");
      if (!kernel) return table;
      table.append(made("caption", place === layers.length - 1 ? words.output : `${words.layer} ${place + 1}`));
      const width = kernel.shape[1], rows = kernel.shape[0];
      for (let row = 0; row < rows + (bias ? 1 : 0); row++) {
        const line = made("tr");
        line.append(made("th", row === rows ? words.from_bias : number ? `${row + 1}` : scene.inputs[row] ?? `${row + 1}`, { scope: "row" }));
        for (let unit = 0; unit < width; unit++) line.append(made("td", dlNumber(row === rows ? bias[unit] : kernel[row * width + unit], true)));
        table.append(line);
      }
      return table;
    });
    at("weights").querySelector("div").replaceChildren(...tables);
  }

  at("weights").addEventListener("toggle", () => { if (scene) showWeights(); });

  function soonDrawCurve() {
    if (!waiting.get("curve")) waiting.set("curve", setTimeout(() => { waiting.delete("curve"); drawCurve(); }, 150));
  }

  function drawCurve() {
    const box = at("curves"), column = (name) => history.map((row) => (Number.isFinite(row[name]) ? row[name] : null));
    const told = history.some((row) => "val_loss" in row) ? ["loss", "val_loss"] : ["loss"];
    const data = [history.map((row) => row.epoch), ...told.map(column)];
    const finite = data.slice(1).flat().filter((value) => value != null);
    const log = finite.length > 0 && Math.min(...finite) > 0 && Math.max(...finite) > 10 * Math.min(...finite);
    if (plot && log === logarithmic && plot.series.length === data.length) return plot.setData(data);
    plot?.destroy();
    logarithmic = log;
    const line = (label, name, dash) => ({ label, stroke: dlColour(name), width: 2, dash, value: (u, v) => (v == null ? "" : dlNumber(v, true)), points: { show: false } });
    const axis = { stroke: dlColour("--quiet"), grid: { stroke: dlColour("--line"), width: 1 }, ticks: { stroke: dlColour("--line"), width: 1 }, values: (u, splits) => splits.map((v) => (v == null ? "" : dlNumber(v))) };
    plot = new uPlot({
      width: box.clientWidth, height: 240,
      scales: { x: { time: false }, y: log ? { distr: 3 } : {} },
      series: [{ label: words.epoch }, ...told.map((name, each) => line(words[each ? "validation_part" : "training_part"], each ? "--validation" : "--training", each ? [7, 5] : undefined))],
      axes: [axis, { ...axis, size: 58 }],
    }, data, box);
  }

  addEventListener("resize", () => { if (scene) { draw(); plot?.setSize({ width: at("curves").clientWidth, height: 240 }); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { plot?.destroy(); plot = null; if (scene) { showLayers(); showBrushes(); draw(); drawCurve(); } });

  // Diagnosis and config

  let findings = "";

  function showFindings(header) {
    const told = header.findings || [], now = JSON.stringify([told.map((each) => [each.id, each.message]), Boolean(header.epoch)]);
    if (now === findings) return;
    findings = now;
    const open = new Set([...document.querySelectorAll("#findings details[open]")].map((each) => each.dataset.id));
    const items = told.map(({ id, message, why, yaml }) => {
      const box = made("details", "", { "data-id": id }), own = words[`finding ${id}`];
      box.open = open.has(id);
      box.append(made("summary", own || message));
      if (!own) box.append(made("p", why));
      box.append(made("p", words.try_this, { class: "note" }), made("pre", yaml, { tabindex: 0 }));
      return box;
    });
    at("findings").replaceChildren(...(items.length ? items : [made("p", header.epoch ? words.healthy : words.not_yet, { class: "note" })]));
  }

  async function showConfig() {
    const answer = await fetch("api/play.yaml").catch(() => null);
    const text = answer?.ok ? await answer.text() : "";
    if (text && at("yaml").textContent !== text) at("yaml").textContent = text;
  }

  at("copy").addEventListener("click", async () => {
    await showConfig();
    const text = at("yaml").textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = made("textarea", text);
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    at("copy").textContent = words.copied;
    setTimeout(() => { at("copy").textContent = words.copy_yaml; }, 1500);
  });

  follow();
})();
