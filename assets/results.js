// Keeps the page at the latest version. The server never sends an older one, so there is nothing to sort here.
const page = document.getElementById("results");
const connection = document.getElementById("connection");
const number = new Intl.NumberFormat();
const mean = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(undefined, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });

const light = matchMedia("(prefers-color-scheme: light)");
const paint = () => {
  if (light.matches) document.documentElement.style.setProperty("--accent", page.dataset.accent);
  else document.documentElement.style.removeProperty("--accent");
};
light.addEventListener("change", paint);
paint();

function show(results) {
  const status = document.getElementById("status");
  status.textContent = results.status;
  status.dataset.status = results.status;
  document.getElementById("hidden").hidden = !results.hidden;
  document.getElementById("ballots").textContent = results.hidden ? "" : `${number.format(results.ballots)} voters`;
  const rows = new Map([...document.querySelectorAll("#bars li")].map((row) => [row.dataset.id, row]));
  // A new round has new choices: let the server draw the page again.
  if (results.choices.some((choice) => !rows.has(choice.id))) return location.reload();
  // Bars are shares of the voters; for scores they are points beside the leader's, with the mean score.
  const scored = results.method === "score";
  const figure = (choice) => (scored ? choice.points : choice.votes);
  const whole = scored ? Math.max(...results.choices.map(figure)) : results.ballots;
  for (const choice of results.choices) {
    const row = rows.get(choice.id);
    const part = results.hidden || !whole ? 0 : figure(choice) / whole;
    const beside = scored ? `mean ${mean.format(choice.votes ? choice.points / choice.votes : 0)}` : share.format(part);
    row.querySelector(".votes").textContent = results.hidden ? "" : number.format(figure(choice));
    row.querySelector(".share").textContent = results.hidden ? "" : beside;
    row.querySelector(".bar").value = Math.min(1000, Math.round(part * 1000));
  }
}

// A browser reconnects by itself after a lost line, and gives up after a refusal, such as while a server restarts.
function watch() {
  const source = new EventSource(page.dataset.stream);
  source.addEventListener("results", (event) => show(JSON.parse(event.data)));
  source.addEventListener("open", () => { connection.textContent = "Live."; });
  source.addEventListener("error", () => {
    connection.textContent = "Connection lost; these are the last results received. Trying again…";
    if (source.readyState === EventSource.CLOSED) setTimeout(watch, 1000 + Math.random() * 4000);
  });
}
watch();
