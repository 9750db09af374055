"use strict";
// A slider over the epochs: it moves the curves' mark, the confusion or the predictions, the
// weights, the boundary and the mistakes together.
(() => {
  const section = document.querySelector(".scrubber");
  if (!section) return;
  const told = JSON.parse(document.getElementById("scrubber-data").textContent);
  const { recording, rows, plane } = told;
  const { frames, true: truth } = recording;
  const names = told.classes;
  const svg = (tag, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const named = (index) => names[index] ?? String(index);
  const pane = (name) => section.querySelector(`[data-pane="${name}"]`);
  const slider = section.querySelector("input");
  const said = section.querySelector("output");
  const play = section.querySelector("button");

  // What the network said of all rows, in one sentence.
  function summary(frame) {
    if (!names.length) {
      const errors = truth.map((value, place) => Math.abs(frame.predicted[place] - value));
      return `mean absolute error ${dlNumber(errors.reduce((sum, error) => sum + error, 0) / errors.length, true)}`;
    }
    const wrong = new Map();
    let right = 0;
    truth.forEach((value, place) => {
      const pair = `${named(value)} for ${named(frame.predicted[place])}`;
      if (frame.predicted[place] === value) right += 1;
      else wrong.set(pair, (wrong.get(pair) ?? 0) + 1);
    });
    const most = [...wrong].sort((a, b) => b[1] - a[1])[0];
    return `accuracy ${dlNumber(right / truth.length, true)}${most ? `, most often took ${most[0]} (${most[1]})` : ""}`;
  }

  function confusion(grid) {
    const size = names.length;
    grid.style.setProperty("--size", size);
    const corner = made("span");
    const heads = names.map((name) => made("span", name, { class: "name", title: name }));
    const cells = [];
    grid.append(corner, ...heads.map((head) => head.cloneNode(true)));
    heads.forEach((head) => {
      grid.append(head);
      for (let column = 0; column < size; column += 1) {
        cells.push(made("span"));
        grid.append(cells.at(-1));
      }
    });
    const totals = names.map((_, row) => truth.filter((value) => value === row).length);
    return (frame) => {
      const counts = new Array(size * size).fill(0);
      truth.forEach((value, place) => { counts[value * size + frame.predicted[place]] += 1; });
      counts.forEach((count, place) => {
        const row = Math.floor(place / size);
        const share = count / Math.max(1, totals[row]);
        cells[place].textContent = count && size <= 12 ? count : "";
        cells[place].title = `${count} of true ${named(row)} predicted as ${named(place % size)}`;
        const right = row === place % size;
        cells[place].className = `${right ? "right" : "wrong"}${count ? "" : " none"}${share > 0.55 ? " deep" : ""}`;
        cells[place].style.setProperty("--share", share.toFixed(3));
      });
    };
  }

  function paper(canvas) {
    const ink = canvas.getContext("2d");
    ink.clearRect(0, 0, canvas.width, canvas.height);
    return ink;
  }

  function predictions(canvas) {
    const every = [...truth, ...frames.flatMap((frame) => frame.predicted)].sort((a, b) => a - b);
    // A network that knows nothing yet can be far off: what is beyond lies on the edge.
    const [least, most] = [Math.min(...truth), Math.max(...truth)];
    const low = Math.max(every[0], least - (most - least) / 2);
    const high = Math.min(every.at(-1), most + (most - least) / 2);
    const at = (value) => Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
    return (frame) => {
      const ink = paper(canvas);
      const side = canvas.width;
      ink.strokeStyle = dlColour("--quiet");
      ink.setLineDash([8, 8]);
      ink.beginPath();
      ink.moveTo(0, side);
      ink.lineTo(side, 0);
      ink.stroke();
      ink.fillStyle = dlColour("--c0");
      ink.globalAlpha = 0.6;
      truth.forEach((value, place) => {
        ink.beginPath();
        ink.arc(at(value) * side, (1 - at(frame.predicted[place])) * side, 5, 0, 7);
        ink.fill();
      });
      ink.globalAlpha = 1;
    };
  }

  function weights(place) {
    const bars = recording.arrays.map((name, index) => {
      const shapes = frames.map((frame) => frame.weights[index]);
      const low = Math.min(...shapes.map((shape) => shape.low));
      const high = Math.max(...shapes.map((shape) => shape.high));
      // Bars of equal area for equal counts: an array that grows gets lower and wider.
      const dense = (shape) => Math.max(...shape.counts) / (shape.high - shape.low || 1);
      const most = Math.max(...shapes.map(dense));
      const drawing = svg("svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", class: "heights", "aria-hidden": "true" });
      const ends = made("p", "", { class: "ends" });
      ends.append(made("span", dlNumber(low)), made("span", dlNumber(high)));
      const figure = made("figure", "", { class: "column" });
      figure.append(made("figcaption", name), drawing, ends);
      place.append(figure);
      return { shapes, low, high, most, drawing };
    });
    return (frame, index) => {
      for (const { shapes, low, high, most, drawing } of bars) {
        const { counts, low: from, high: to } = shapes[index];
        const wide = (100 * (to - from)) / (high - low || 1) / counts.length;
        drawing.replaceChildren(...counts.map((count, bin) => {
          const tall = (40 * count) / ((to - from || 1) * most || 1);
          const x = (100 * (from - low)) / (high - low || 1) + bin * wide;
          return svg("rect", { x, y: 40 - tall, width: Math.max(0.4, wide * 0.9), height: tall });
        }));
      }
    };
  }

  const rgb = (text) => [1, 3, 5].map((from) => parseInt(text.slice(from, from + 2), 16));

  function boundary(canvas) {
    const side = plane.side;
    const point = (x, axis) => (x - plane.low[axis]) / (plane.high[axis] - plane.low[axis]);
    return (frame) => {
      const now = plane.frames.filter((one) => one.epoch <= frame.epoch).at(-1) ?? plane.frames[0];
      const codes = Uint8Array.from(atob(now.values), (character) => character.charCodeAt(0));
      const colour = (code) => {
        if (plane.classes) return rgb(dlMix("--paper", code < 7 ? `--c${code}` : "--quiet", 0.5));
        const share = code / 200;
        return rgb(dlMix("--paper", share < 0.5 ? "--c0" : "--c1", 0.65 * Math.abs(2 * share - 1)));
      };
      const small = new ImageData(side, side);
      codes.forEach((code, place) => {
        const row = side - 1 - Math.floor(place / side); // the first row of points is the lowest
        small.data.set([...colour(code), 255], 4 * (row * side + (place % side)));
      });
      const held = made("canvas", "", { width: side, height: side });
      held.getContext("2d").putImageData(small, 0, 0);
      const ink = paper(canvas);
      ink.imageSmoothingEnabled = !plane.classes;
      ink.drawImage(held, 0, 0, canvas.width, canvas.height);
      for (const [x, y, kind] of plane.points) {
        ink.fillStyle = plane.classes || plane.kinds ? seriesColour(kind) : `rgb(${colour(kind)})`;
        ink.strokeStyle = dlColour(plane.kinds ? "--paper" : "--quiet"); // a value has the colour of its ground
        ink.lineWidth = 1.5;
        ink.beginPath();
        ink.arc(point(x, 0) * canvas.width, (1 - point(y, 1)) * canvas.height, 5, 0, 7);
        ink.fill();
        ink.stroke();
      }
    };
  }

  function mistakes(place) {
    const shown = new Map(rows.map((row) => [row.place, row]));
    const pictures = place.tagName === "UL";
    const word = (value) => (names.length ? named(value) : dlNumber(value));

    function picture(one, frame) {
      const item = made("li");
      const row = shown.get(one);
      if (row) {
        const button = made("button", "", { type: "button", class: "enlarge" });
        button.append(made("img", "", { src: row.picture, alt: `row ${recording.rows[one]}`, width: 84 }));
        item.append(button);
      } else {
        item.append(made("b", `row ${recording.rows[one]}`));
      }
      item.append(made("span", `true ${word(truth[one])}`), made("span", `predicted ${word(frame.predicted[one])}`, { class: "guess" }));
      return item;
    }

    function line(one, frame) {
      const item = made("tr");
      item.append(made("th", recording.rows[one], { scope: "row" }), made("td", word(truth[one])));
      item.append(made("td", word(frame.predicted[one]), { class: "guess" }));
      item.append(...Object.values(shown.get(one)?.inputs ?? {}).map((value) => made("td", value)));
      return item;
    }

    return (frame) => {
      const loss = (one) => (names.length
        ? (frame.predicted[one] !== truth[one]) * (1 + 100 - (frame.truth[one] ?? 99))
        : Math.abs(frame.predicted[one] - truth[one]));
      const worst = truth.map((_, one) => one).filter((one) => loss(one) > 0).sort((a, b) => loss(b) - loss(a)).slice(0, told.worst);
      place.replaceChildren(...worst.map((one) => (pictures ? picture : line)(one, frame)));
    };
  }

  const makers = { confusion, predictions, weights, boundary, mistakes };
  const movers = Object.entries(makers).filter(([name]) => pane(name)).map(([name, make]) => make(pane(name)));
  const curves = [...document.querySelectorAll("#learning figure.chart, .scrubber figure.chart")].filter((figure) => figure.ofEpochs);

  function show(moved) {
    const index = Number(slider.value);
    const frame = frames[index];
    said.textContent = `after epoch ${frame.epoch}: ${summary(frame)}`;
    slider.setAttribute("aria-valuetext", `epoch ${frame.epoch}`);
    movers.forEach((move) => move(frame, index));
    if (moved) curves.forEach((figure) => figure.mark(frame.epoch));
  }

  let running = null;
  function stop() {
    clearInterval(running);
    running = null;
    play.textContent = "play";
  }
  play.addEventListener("click", () => {
    if (running) return stop();
    if (Number(slider.value) === frames.length - 1) slider.value = 0;
    play.textContent = "pause";
    running = setInterval(() => {
      slider.value = Number(slider.value) + 1;
      show(true);
      if (Number(slider.value) === frames.length - 1) stop();
    }, 350);
    show(true);
  });
  slider.addEventListener("input", () => { stop(); show(true); });
  document.addEventListener("redraw", () => show(false));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(false));
  section.hidden = false;
  show(false);
})();
