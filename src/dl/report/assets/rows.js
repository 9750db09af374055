"use strict";
// The rows of a page: picked by a cell of the confusion matrix, by a bar or a point of a chart;
// their pictures enlarged; and the settings copied.
(() => {
  const list = document.getElementById("rows");
  const rows = list ? [...list.querySelectorAll("[data-row]")] : [];

  // Shows the rows that pass, below what was picked; the list itself stays as it is.
  const panel = made("div", "", { class: "picked", role: "region", "aria-label": "Picked rows", tabindex: "-1" });
  let origin = null;

  function clear() {
    panel.remove();
    origin?.focus();
  }

  function pick(after, from, words, found, total) {
    origin = from;
    const some = found.length < total ? `${found.length} of ${dlNumber(total)}` : found.length;
    const said = `Showing ${some} ${total === 1 ? "row" : "rows"}: ${words}.${found.length < total ? " The page keeps no more." : ""}`;
    const status = made("p", said, { role: "status" });
    const button = made("button", "clear", { type: "button" });
    button.addEventListener("click", clear);
    status.append(" ", button);
    panel.replaceChildren(status);
    if (found.length) {
      const copy = list.cloneNode(false);
      copy.removeAttribute("id");
      const head = list.querySelector("thead");
      const body = head ? made("tbody") : copy;
      if (head) copy.append(head.cloneNode(true), body);
      for (const row of found) {
        const shown = row.cloneNode(true);
        shown.hidden = false;
        body.append(shown);
      }
      const wide = made("div", "", { class: "wide", tabindex: "0", role: "region", "aria-label": "Rows" });
      wide.append(copy);
      panel.append(wide);
    }
    after.after(panel);
    panel.scrollIntoView({ block: "nearest" });
  }

  panel.addEventListener("keydown", (event) => { if (event.key === "Escape") clear(); });

  function ofClasses(table) {
    const cells = [...table.querySelectorAll("td[data-true]")];
    const buttons = cells.map((cell) => {
      const button = made("button", cell.textContent, { type: "button", tabindex: "-1", title: cell.title });
      button.setAttribute("aria-label", `${cell.textContent} rows: ${cell.title}`);
      cell.removeAttribute("title");
      cell.replaceChildren(button);
      return button;
    });
    if (buttons.length) buttons[0].tabIndex = 0; // one stop for the key Tab; the arrows move inside
    const move = (from, by) => {
      const to = buttons[buttons.indexOf(from) + by];
      if (!to) return;
      from.tabIndex = -1;
      to.tabIndex = 0;
      to.focus();
    };
    table.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!by || !buttons.includes(event.target)) return;
      event.preventDefault();
      move(event.target, by);
    });
    table.addEventListener("click", (event) => {
      const cell = event.target.closest("td[data-true]");
      if (!cell) return;
      const { true: truth, predicted } = cell.dataset;
      const found = rows.filter((row) => row.dataset.true === truth && row.dataset.predicted === predicted);
      const total = Math.max(found.length, Number(cell.textContent.replaceAll(",", "")));
      pick(table.closest(".wide"), cell.firstChild, `true ${truth}, predicted ${predicted}`, found, total);
    });
  }

  function ofNumbers(figure) {
    const chart = JSON.parse(figure.querySelector(".chart-data").textContent);
    const numbers = rows.filter((row) => row.dataset.error).map((row) => {
      const error = Number(row.dataset.error);
      const truth = Number(row.dataset.truth);
      return { row, error, truth, predicted: truth + error };
    });
    figure.addEventListener("pick", ({ detail }) => {
      if (figure.dataset.picks === "pair") {
        const { x, y } = figure.plot.scales;
        const far = (one) => ((one.truth - detail.shownX) / (x.max - x.min)) ** 2 + ((one.predicted - detail.y) / (y.max - y.min)) ** 2;
        const near = numbers.map((one) => [far(one), one.row]).sort((a, b) => a[0] - b[0]).slice(0, 6).map(([, row]) => row);
        return pick(figure, figure, `nearest to true ${dlNumber(detail.shownX)}, predicted ${dlNumber(detail.y)}`, near, near.length);
      }
      const [low, high] = [chart.edges[detail.index], chart.edges[detail.index + 1]];
      const last = detail.index + 2 === chart.edges.length;
      const inside = (value) => value >= low && (value < high || (last && value <= high));
      const error = figure.dataset.picks === "error";
      const found = numbers.filter((one) => inside(error ? one.error : one.truth)).map(({ row }) => row);
      // Of a range of true values the page knows the rows that it keeps, and not how many there are.
      const total = error ? Math.max(found.length, chart.lines[0].y[detail.index]) : found.length;
      pick(figure, figure, `${error ? "error" : "true value"} from ${dlNumber(low)} to ${dlNumber(high)}${error ? "" : ", of those that the page keeps"}`, found, total);
    });
  }

  // Pictures: a click shows one large, the arrows the others.
  const large = made("dialog", "", { class: "large", "aria-label": "Picture" });
  let shown = null;

  function enlarge(picture) {
    shown = picture;
    const image = made("img", "", { src: picture.src, alt: picture.alt });
    const told = [...picture.closest("li").querySelectorAll("span")].map((span) => made("p", span.textContent));
    const close = made("button", "close", { type: "button" });
    close.addEventListener("click", () => large.close());
    large.replaceChildren(image, ...told, close);
    if (!large.open) large.showModal();
  }

  function beside(by) {
    const all = [...shown.closest("ul").querySelectorAll("li:not([hidden]) img")];
    const next = all[all.indexOf(shown) + by];
    if (next) enlarge(next);
  }

  document.body.append(large);
  large.addEventListener("click", (event) => { if (event.target === large) large.close(); });
  large.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by) beside(by);
  });
  for (const picture of document.querySelectorAll(".gallery img")) {
    const button = made("button", "", { type: "button", class: "enlarge" });
    picture.replaceWith(button);
    button.append(picture);
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.enlarge");
    if (button) enlarge(button.querySelector("img"));
  });

  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.of).textContent;
      try {
        await navigator.clipboard.writeText(text);
      } catch { // without leave to use the clipboard: by way of a selection
        getSelection().selectAllChildren(document.getElementById(button.dataset.of));
        document.execCommand("copy");
      }
      button.textContent = "copied";
      setTimeout(() => { button.textContent = "copy"; }, 2000);
    });
  }

  document.querySelectorAll("table.matrix").forEach(ofClasses);
  document.querySelectorAll("figure[data-picks]").forEach(ofNumbers);
})();
