"use strict";
// Lets the curves of a run grow while it trains; zoom and cursor stay, and nothing moves without news.
(() => {
  const state = document.getElementById("live");
  const address = `/api/curves/${encodeURI(state.dataset.address)}`;
  let tag = "", now = null;

  function tell() {
    if (!now) return;
    const seconds = Math.max(0, Math.floor(Date.now() / 1000 - now.started));
    const took = seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
    state.textContent = `running · ${now.planned ? `${now.epochs}/${now.planned}` : now.epochs} epochs · ${took}`;
  }

  async function look() {
    const answer = await fetch(address, { headers: tag ? { "If-None-Match": tag } : {} });
    if (!answer.ok) return;
    tag = answer.headers.get("ETag");
    now = await answer.json();
    const figures = [...document.querySelectorAll("figure.chart")];
    if (now.status !== "running" || now.charts.length !== figures.length) return location.reload();
    figures.forEach((figure, place) => figure.update(now.charts[place]));
    tell();
  }

  const again = async () => {
    if (!document.hidden) await look().catch(() => {});
    setTimeout(again, 2000);
  };
  again();
  setInterval(tell, 1000);
})();
