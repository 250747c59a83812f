// Keeps the page at the latest version. The server never sends an older one, so there is nothing to sort here.
const page = document.getElementById("results");
const connection = document.getElementById("connection");
// As the server writes them (src/http/web.rs), so that no number changes its look when the first frame comes.
const number = new Intl.NumberFormat("en");
const rounded = (part, whole) => Math.floor((part + Math.floor(whole / 2)) / whole);
const tenths = (tenths) => `${Math.floor(tenths / 10)}.${tenths % 10}`;

const light = matchMedia("(prefers-color-scheme: light)");
const paint = () => {
  if (light.matches) document.documentElement.style.setProperty("--accent", page.dataset.accent);
  else document.documentElement.style.removeProperty("--accent");
};
light.addEventListener("change", paint);
paint();

// Whether there is something to wait for, and what the line to the server is like.
let live = false;
let lost = false;
const tell = () => {
  const text = lost ? "Connection lost; these are the last results received. Trying again…" : live ? "Live." : "";
  if (connection.textContent !== text) connection.textContent = text;
};

function show(results) {
  const status = document.getElementById("status");
  status.textContent = results.status;
  status.dataset.status = results.status;
  document.getElementById("hidden").hidden = !results.hidden;
  document.getElementById("unit").hidden = results.hidden;
  const voters = results.ballots === 1 ? "voter" : "voters";
  document.getElementById("ballots").textContent = results.hidden ? "" : `${number.format(results.ballots)} ${voters}`;
  live = results.status === "open" && !results.hidden;
  tell();
  const rows = new Map([...document.querySelectorAll("#bars li")].map((row) => [row.dataset.id, row]));
  // A new round has new choices: let the server draw the page again.
  if (results.choices.some((choice) => !rows.has(choice.id))) return location.reload();
  // Bars are shares of the voters; for scores they are points beside the leader's, with the mean score.
  const scored = results.method === "score";
  const figure = (choice) => (scored ? choice.points : choice.votes);
  const whole = scored ? Math.max(...results.choices.map(figure)) : results.ballots;
  for (const choice of results.choices) {
    const row = rows.get(choice.id);
    const permille = results.hidden ? 0 : rounded(figure(choice) * 1000, Math.max(whole, 1));
    const mean = results.hidden ? 0 : rounded(figure(choice) * 10, Math.max(choice.votes, 1));
    const beside = scored ? `mean ${tenths(mean)}` : `${tenths(permille)} %`;
    row.querySelector(".votes").textContent = results.hidden ? "" : number.format(figure(choice));
    row.querySelector(".share").textContent = results.hidden ? "" : beside;
    row.querySelector(".bar").value = Math.min(1000, permille);
  }
}

// A browser reconnects by itself after a lost line, and gives up after a refusal, such as while a server restarts.
function watch() {
  const source = new EventSource(page.dataset.stream);
  source.addEventListener("results", (event) => show(JSON.parse(event.data)));
  source.addEventListener("open", () => { lost = false; tell(); });
  source.addEventListener("error", () => {
    lost = true;
    tell();
    if (source.readyState === EventSource.CLOSED) setTimeout(watch, 1000 + Math.random() * 4000);
  });
}
watch();
