"use strict";
// What the page of dl play draws: the plane, its points, the units, the weights between them.
const dlPlay = (() => {
  const bands = 5;
  const palest = 0.1;
  const fullest = 0.55; // as in boundary.png: the points have all of their colour
  const fine = 288; // pixels of the ground along each axis
  const mixes = new Map();

  const bytes = (name) => (dlColour(name).match(/[\da-f]{2}/gi) || ["80", "80", "80"]).map((part) => parseInt(part, 16));
  const mixed = (from, to, share) => from.map((low, at) => low + share * (to[at] - low));

  // 256 colours from blue below 0 to orange above, which is towards the second class; the page is 0.
  function signed() {
    if (!mixes.has("signed")) {
      const [paper, blue, orange] = ["--paper", "--c0", "--c1"].map(bytes);
      mixes.set("signed", Array.from({ length: 256 }, (_, at) => {
        const value = (at - 127.5) / 127.5;
        return mixed(paper, value < 0 ? blue : orange, Math.abs(value));
      }));
    }
    return mixes.get("signed");
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => mixes.clear());

  // A canvas of as many pixels as the screen has there; returns its context in units of CSS.
  function fitted(canvas) {
    const ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((size) => Math.round(size * ratio));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    return context;
  }

  // Bytes of a unit, row after row from below, as a picture of its own size.
  function unit(canvas, values, side) {
    if (canvas.width !== side) Object.assign(canvas, { width: side, height: side });
    const context = canvas.getContext("2d"), image = context.createImageData(side, side), colours = signed();
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const colour = colours[values[(side - 1 - y) * side + x]], at = 4 * (y * side + x);
        image.data[at] = colour[0];
        image.data[at + 1] = colour[1];
        image.data[at + 2] = colour[2];
        image.data[at + 3] = 255;
      }
    }
    context.putImageData(image, 0, 0);
  }

  // The place of a pixel on the grid, and how far it is to the next point of it.
  function places(side) {
    return Array.from({ length: fine }, (_, pixel) => {
      const at = Math.min(side - 1.001, Math.max(0, ((pixel + 0.5) / fine) * (side - 1)));
      return [Math.floor(at), at % 1];
    });
  }

  function colourOf(scene) {
    const count = scene.known;
    const paper = bytes("--paper");
    if (scene.numbers) {
      const colours = signed(), [low, high] = scene.span, zero = low < 0 && high > 0;
      const most = Math.max(Math.abs(low), Math.abs(high)) || 1;
      return (values) => {
        const share = zero ? values[0] / most : 2 * ((values[0] - low) / (high - low || 1)) - 1;
        const band = Math.round(Math.max(-1, Math.min(1, share)) * 6) / 6;
        return colours[Math.round(127.5 + 127.5 * 0.85 * band)];
      };
    }
    const shades = scene.classes.map((_, index) => Array.from({ length: bands + 1 }, (__, band) =>
      mixed(paper, bytes(`--c${index}`), palest + (fullest - palest) * (band / bands))));
    return (values) => {
      let best = 0, sure;
      if (count === 2 && scene.threshold != null) {
        best = values[1] >= scene.threshold ? 1 : 0;
        sure = best ? (values[1] - scene.threshold) / (1 - scene.threshold) : (scene.threshold - values[1]) / scene.threshold;
      } else {
        for (let each = 1; each < count; each++) if (values[each] > values[best]) best = each;
        sure = (values[best] - 1 / count) / (1 - 1 / count);
      }
      return shades[best][Math.ceil(Math.max(0, Math.min(1, sure)) * bands)];
    };
  }

  const ground = document.createElement("canvas");
  ground.width = ground.height = fine;

  function drawGround(context, size, scene, values, side) {
    const count = scene.numbers ? 1 : scene.known, area = side * side;
    const paint = ground.getContext("2d"), image = paint.createImageData(fine, fine);
    const at = places(side), colour = colourOf(scene), here = new Array(count);
    for (let y = 0; y < fine; y++) {
      const [row, up] = at[fine - 1 - y];
      for (let x = 0; x < fine; x++) {
        const [column, right] = at[x];
        for (let each = 0; each < count; each++) {
          const start = each * area + row * side + column;
          const below = values[start] + right * (values[start + 1] - values[start]);
          const above = values[start + side] + right * (values[start + side + 1] - values[start + side]);
          here[each] = below + up * (above - below);
        }
        const [red, green, blue] = colour(here), place = 4 * (y * fine + x);
        image.data[place] = red;
        image.data[place + 1] = green;
        image.data[place + 2] = blue;
        image.data[place + 3] = 255;
      }
    }
    paint.putImageData(image, 0, 0);
    context.drawImage(ground, 0, 0, size, size);
  }

  // What is 0 where the predicted class changes, for each class; for two, for one of them.
  function margins(scene, values, area) {
    const count = scene.known;
    if (count === 2) return [Float32Array.from({ length: area }, (_, at) => (scene.threshold == null ? values[area + at] - values[at] : values[area + at] - scene.threshold))];
    return scene.classes.slice(0, count).map((_, own) => Float32Array.from({ length: area }, (__, at) => {
      let other = -Infinity;
      for (let each = 0; each < count; each++) if (each !== own) other = Math.max(other, values[each * area + at]);
      return values[own * area + at] - other;
    }));
  }

  // Marching squares: a line through each cell of the grid in which the margin changes its sign.
  function drawBorder(context, size, margin, side) {
    const step = size / (side - 1);
    context.beginPath();
    for (let row = 0; row < side - 1; row++) {
      for (let column = 0; column < side - 1; column++) {
        const start = row * side + column;
        const corners = [margin[start], margin[start + 1], margin[start + side + 1], margin[start + side]];
        const ends = [];
        for (let edge = 0; edge < 4; edge++) {
          const [from, to] = [corners[edge], corners[(edge + 1) % 4]];
          if (from >= 0 === to >= 0) continue;
          const share = from / (from - to);
          const x = column + [share, 1, 1 - share, 0][edge], y = row + [0, share, 1, 1 - share][edge];
          ends.push([x * step, size - y * step]);
        }
        for (let pair = 0; pair + 1 < ends.length; pair += 2) {
          context.moveTo(...ends[pair]);
          context.lineTo(...ends[pair + 1]);
        }
      }
    }
    context.stroke();
  }

  // Markers differ in their form, too: in grey, and for readers who see few colours.
  const forms = [
    (c, x, y, r) => c.arc(x, y, r, 0, 7),
    (c, x, y, r) => c.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r),
    (c, x, y, r) => { c.moveTo(x, y - 1.2 * r); c.lineTo(x + 1.1 * r, y + 0.9 * r); c.lineTo(x - 1.1 * r, y + 0.9 * r); c.closePath(); },
    (c, x, y, r) => { c.moveTo(x, y - 1.3 * r); c.lineTo(x + 1.3 * r, y); c.lineTo(x, y + 1.3 * r); c.lineTo(x - 1.3 * r, y); c.closePath(); },
    (c, x, y, r) => { c.moveTo(x, y + 1.2 * r); c.lineTo(x + 1.1 * r, y - 0.9 * r); c.lineTo(x - 1.1 * r, y - 0.9 * r); c.closePath(); },
  ];

  function marker(context, index, x, y, radius, fill) {
    context.beginPath();
    forms[index % forms.length](context, x, y, radius);
    context.fillStyle = fill;
    context.fill();
    context.stroke();
  }

  function drawPoints(context, size, scene, points) {
    const radius = points.length <= 20 ? 7 : points.length <= 300 ? 4.2 : 3;
    const colour = scene.numbers ? colourOf(scene) : null;
    context.lineWidth = 1.2;
    for (const [x, y, value, part] of points) {
      const left = ((x - scene.low[0]) / (scene.high[0] - scene.low[0])) * size;
      const top = size - ((y - scene.low[1]) / (scene.high[1] - scene.low[1])) * size;
      const index = scene.numbers ? 0 : Math.max(0, scene.classes.indexOf(value));
      context.globalAlpha = part === "train" ? 1 : 0.45;
      context.strokeStyle = dlColour(scene.numbers ? "--ink" : "--paper");
      const fill = scene.numbers ? `rgb(${colour([value]).map(Math.round).join(" ")})` : dlColour(`--c${index}`);
      marker(context, index, left, top, radius, fill);
    }
    context.globalAlpha = 1;
  }

  function plane(canvas, scene, values, points, cursor) {
    const context = fitted(canvas), size = canvas.clientWidth;
    if (values) {
      drawGround(context, size, scene, values, scene.side);
      context.strokeStyle = dlColour("--ink");
      context.lineWidth = 1.6;
      if (!scene.numbers) for (const margin of margins(scene, values, scene.side ** 2)) drawBorder(context, size, margin, scene.side);
    }
    drawPoints(context, size, scene, points);
    if (cursor) {
      const [x, y] = [cursor[0] * size, (1 - cursor[1]) * size];
      for (const [width, name] of [[4, "--paper"], [1.5, "--ink"]]) {
        Object.assign(context, { lineWidth: width, strokeStyle: dlColour(name) });
        context.beginPath();
        for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) { context.moveTo(x + 4 * dx, y + 4 * dy); context.lineTo(x + 12 * dx, y + 12 * dy); }
        context.stroke();
      }
    }
  }

  // Lines from each unit to those behind it; `joints` are [from, to, weight].
  function wires(canvas, joints) {
    const context = fitted(canvas), box = canvas.getBoundingClientRect();
    const most = Math.max(1e-9, ...joints.map((joint) => Math.abs(joint[2])));
    const known = new Map();
    const ends = (element) => {
      if (!known.has(element)) {
        const place = element.getBoundingClientRect();
        known.set(element, [place.left - box.left, place.right - box.left, (place.top + place.bottom) / 2 - box.top]);
      }
      return known.get(element);
    };
    for (const [from, to, weight] of joints) {
      const [, x1, y1] = ends(from), [x2, , y2] = ends(to), share = Math.abs(weight) / most;
      context.strokeStyle = dlColour(weight < 0 ? "--c0" : "--c1");
      context.globalAlpha = 0.15 + 0.75 * share;
      context.lineWidth = 0.4 + 4.6 * share;
      context.beginPath();
      context.moveTo(x1, y1);
      context.bezierCurveTo((x1 + x2) / 2, y1, (x1 + x2) / 2, y2, x2, y2);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  // What a made-up problem looks like, on its button.
  function sketch(canvas, name) {
    const context = canvas.getContext("2d"), dots = [];
    const gate = { and: [0, 0, 0, 1], or: [0, 1, 1, 1], xor: [0, 1, 1, 0] }[name];
    if (gate) gate.forEach((kind, at) => dots.push([0.25 + 0.5 * (at % 2), 0.25 + 0.5 * (at >> 1), kind]));
    else {
      for (let at = 0; at < 26; at++) {
        const kind = at % 2, turn = at / 26, angle = 2 * Math.PI * turn;
        if (name === "blobs") dots.push([0.3 + 0.4 * kind + 0.13 * Math.cos(9 * angle) * turn, 0.32 + 0.36 * kind + 0.16 * Math.sin(7 * angle), kind]);
        if (name === "circles") dots.push([0.5 + (kind ? 0.16 : 0.38) * Math.cos(angle), 0.5 + (kind ? 0.16 : 0.38) * Math.sin(angle), kind]);
        if (name === "moons") dots.push([kind ? 0.62 - 0.28 * Math.cos(angle / 2) : 0.38 + 0.28 * Math.cos(angle / 2), kind ? 0.42 - 0.3 * Math.sin(angle / 2) : 0.56 + 0.3 * Math.sin(angle / 2), kind]);
        if (name === "spiral") dots.push([0.5 + 0.42 * turn * Math.cos(1.6 * angle + Math.PI * kind), 0.5 + 0.42 * turn * Math.sin(1.6 * angle + Math.PI * kind), kind]);
      }
    }
    const ratio = 2;
    Object.assign(canvas, { width: 44 * ratio, height: 44 * ratio });
    canvas.style.width = canvas.style.height = "44px";
    context.strokeStyle = "transparent";
    for (const [x, y, kind] of dots) marker(context, kind, 44 * ratio * x, 44 * ratio * (1 - y), gate ? 9 : 4.4, dlColour(`--c${kind}`));
  }

  return { plane, unit, wires, sketch, forms };
})();
