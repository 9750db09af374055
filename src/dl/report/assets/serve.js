"use strict";
// The form of `dl serve`: sends a row, shows the answer, its probabilities, or what is wrong.
(() => {
  const at = (id) => document.getElementById(id);
  const known = JSON.parse(at("known").textContent);
  const token = new URLSearchParams(location.search).get("token") || "";
  const inputs = [...document.querySelectorAll("[data-column]")];
  const row = () => Object.fromEntries(inputs.map((input) => [input.dataset.column, input.value === "" ? null : input.value]));
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

  function showCommand() {
    const words = ["curl", "-H 'Content-Type: application/json'"];
    if (known.protected) words.push('-H "Authorization: Bearer $DL_SERVE_TOKEN"');
    at("command").textContent = `${words.join(" ")} \\\n  -d ${quoted(JSON.stringify(row()))} \\\n  ${location.origin}/predict`;
  }

  function showAnswer(answer) {
    const shown = (value) => (typeof value === "number" ? dlNumber(value) : String(value ?? "–"));
    const rest = Object.entries(answer).filter(([name]) => name !== "prediction");
    at("said").className = "prediction" in answer ? "known" : "note";
    at("said").textContent = "prediction" in answer ? shown(answer.prediction) : "";
    at("values").hidden = !rest.length;
    at("values").tBodies[0].replaceChildren(...rest.map(([name, value]) => {
      const line = document.createElement("tr"), head = document.createElement("th");
      const cell = document.createElement("td"), last = document.createElement("td");
      head.scope = "row";
      head.textContent = name.replace(/^probability_/, "");
      cell.textContent = shown(value);
      if (name.startsWith("probability_")) {
        const bar = document.createElement("span");
        bar.className = "bar";
        bar.style.width = `${100 * value}%`;
        last.append(bar);
      }
      line.append(head, cell, last);
      return line;
    }));
  }

  async function ask(event) {
    event.preventDefault();
    const headers = { "Content-Type": "application/json" };
    if (known.protected) headers.Authorization = `Bearer ${token}`;
    at("problem").textContent = at("hint").textContent = "";
    try {
      const response = await fetch("/predict", { method: "POST", headers, body: JSON.stringify(row()) });
      const told = await response.json();
      if (response.ok) {
        showAnswer(told);
        at("hint").textContent = JSON.parse(response.headers.get("DL-Warnings") || "[]").join("\n");
      } else {
        showAnswer({});
        at("problem").textContent = told.problem + (told.found ? `; found ${told.found}` : "");
        at("hint").textContent = [told.expected && `Expected: ${told.expected}`, told.hint].filter(Boolean).join(" · ");
      }
    } catch {
      at("problem").textContent = "No answer: dl serve has ended, or cannot be reached.";
    }
  }

  at("row").addEventListener("submit", ask);
  at("row").addEventListener("input", showCommand);
  showCommand();
})();
