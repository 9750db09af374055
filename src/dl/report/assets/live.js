"use strict";
// Keeps pages of the board up to date. The curves of a run grow while it trains, with their zoom and
// cursor; a sweep's page says that more has ended, and is made anew when that is asked for.
(() => {
  const every = 2000;
  const tags = new Map();

  // Returns null where nothing has changed.
  async function ask(address) {
    const answer = await fetch(address, { headers: tags.has(address) ? { "If-None-Match": tags.get(address) } : {} });
    if (!answer.ok) return null;
    tags.set(address, answer.headers.get("ETag"));
    return answer.json();
  }

  function repeat(work) {
    const again = async () => {
      if (!document.hidden) await work().catch(() => {});
      setTimeout(again, every);
    };
    again();
  }

  function run(state) {
    let now = null;
    const tell = () => {
      if (!now) return;
      const seconds = Math.max(0, Math.floor(Date.now() / 1000 - now.started));
      const took = seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
      state.textContent = `running · ${now.planned ? `${now.epochs}/${now.planned}` : now.epochs} epochs · ${took}`;
    };
    repeat(async () => {
      const news = await ask(`/api/curves/${encodeURI(state.dataset.address)}`);
      if (!news) return;
      now = news;
      const figures = [...document.querySelectorAll("figure.chart")];
      if (now.status !== "running" || now.charts.length !== figures.length) return location.reload();
      figures.forEach((figure, place) => figure.update(now.charts[place]));
      tell();
    });
    setInterval(tell, 1000);
  }

  function sweep(button) {
    repeat(async () => {
      const news = await ask(location.pathname.replace("/sweep/", "/api/ended/"));
      const more = news ? news.ended - Number(button.dataset.ended) : 0;
      if (more < 1) return;
      button.hidden = false;
      button.textContent = more === 1 ? "1 more training has ended: show it" : `${more} more trainings have ended: show them`;
    });
    button.addEventListener("click", () => location.reload());
  }

  const state = document.getElementById("live");
  if (state) run(state);
  const button = document.getElementById("news");
  if (button) sweep(button);
})();
