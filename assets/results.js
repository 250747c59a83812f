// The results page follows its stream: figures move at once, and what only the server draws comes a little later.
import { draw, follow, put } from "./live.js";
import { locale, localise, moment, number, say, tenths } from "./texts.js";

const at = (id) => document.getElementById(id);
const page = at("main");
const figure = (choice) => choice.points ?? choice.votes ?? 0;
const isOver = (status) => !["draft", "open", "paused"].includes(status);

// Moments in the reader's own zone, where the server could only tell them in UTC.
function tellTimes() {
  localise();
  const days = new Set([...document.querySelectorAll(".times [data-at]")].map(({ dateTime }) => new Date(dateTime).toDateString()));
  const short = new Intl.DateTimeFormat(locale, days.size > 1 ? { dateStyle: "medium", timeStyle: "short" } : { timeStyle: "medium" });
  for (const time of document.querySelectorAll("[data-at]")) {
    put(time, time.dataset.at === "long" ? moment(time.dateTime) : short.format(new Date(time.dateTime)));
  }
  put(at("zone"), say("chart-own-zone"));
  const told = at("chart-told");
  if (!told) return;
  const [first, last] = [told.dataset.first, told.dataset.last].map(moment);
  put(told, say("chart-told", { voters: told.dataset.voters, first, last }));
}
tellTimes();

// While votes come, rows stand as on the ballot paper, so that nothing jumps; then the most stands first.
function order(results) {
  const list = at("bars");
  const choices = [...results.choices];
  if (isOver(results.status)) choices.sort((one, other) => figure(other) - figure(one));
  const rows = new Map([...list.children].map((row) => [row.dataset.id, row]));
  const wanted = choices.map((choice) => rows.get(choice.id));
  if (wanted.some((row, place) => row !== list.children[place])) list.append(...wanted);
  return rows;
}

// What `draw` does not know: how many gave points, who shares the first place for good, and since when it is so.
function more(results) {
  const rows = order(results);
  for (const choice of results.choices) {
    const given = rows.get(choice.id).querySelector("[data-given]");
    if (!given || results.hidden) continue;
    put(given, number(choice.votes));
    put(rows.get(choice.id).querySelector(".share"), choice.votes === 0 ? "–" : tenths(Math.floor((choice.points * 10 + Math.floor(choice.votes / 2)) / Math.max(choice.votes, 1))));
  }
  const most = Math.max(...results.choices.map(figure));
  const isTied = results.choices.filter((choice) => figure(choice) === most).length > 1;
  at("tie").hidden = results.hidden || !isOver(results.status) || most === 0 || !isTied;
  put(at("version"), results.version);
  if (at("blank") && results.blank !== undefined) put(at("blank"), number(results.blank));
  if (at("as-of") && results.time) {
    at("as-of").dateTime = results.time;
    put(at("as-of"), moment(results.time));
  }
}

// Takes over what the server draws. Not all readers at once, and not under the hands of one who is there.
let [timer, due, latest] = [undefined, Infinity];
function renew(delay) {
  if (performance.now() + delay >= due) return;
  clearTimeout(timer);
  due = performance.now() + delay;
  timer = setTimeout(take, delay);
}

async function take() {
  due = Infinity;
  if (document.visibilityState !== "visible") return document.addEventListener("visibilitychange", () => renew(0), { once: true });
  const answer = await fetch(location.href).catch(() => undefined);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if ("earlier" in page.dataset && !("hidden" in fresh.getElementById("main").dataset)) return location.reload();
  for (const id of ["hides", "hidden", "more"]) {
    const [old, now] = [at(id), fresh.getElementById(id)];
    if (!now || old.contains(document.activeElement)) continue;
    for (const details of now.querySelectorAll("details")) details.open = at(details.id)?.open ?? false;
    old.replaceWith(now);
  }
  tellTimes();
  // What came meanwhile, or was drawn by a node that is a little behind, is as it was told last.
  awaitPicture();
  if (!latest) return;
  at("hidden").hidden = !latest.hidden;
  more(latest);
}

// The picture of many votes may still be on its way. While votes come, an earlier one is renewed as often as all is;
// afterwards nothing else would do so.
function awaitPicture() {
  if (!document.querySelector("[data-late]")) return;
  const isEarlier = document.querySelector(".columns") && !isOver(at("status").dataset.status);
  renew((isEarlier ? 20000 : 2000) * (1 + Math.random()));
}
awaitPicture();

let [isLive, isLost] = ["live" in page.dataset, false];
const tell = () => put(at("line"), isLost ? say("line-lost") : isLive ? say("live") : "");
tell();

function show(results) {
  const was = [at("status").dataset.status, "hidden" in page.dataset].join();
  // A new round has new choices: the server draws the page again.
  if (!draw(results)) return location.reload();
  page.toggleAttribute("data-hidden", results.hidden);
  at("hidden").hidden = !results.hidden;
  latest = results;
  more(results);
  isLive = results.status === "open" && !results.hidden;
  tell();
  const isTurned = was !== [results.status, results.hidden].join();
  // The more have voted, the more may be reading: they ask over as many milliseconds.
  renew(isTurned ? 500 + Math.random() * Math.min(20000, 500 + (results.ballots ?? 0)) : 20000 * (1 + Math.random()));
}

// The stream is of the latest round. Of an earlier one that is hidden it says that something has changed: maybe this was shown.
const hear = "earlier" in page.dataset ? () => renew(1000 * (1 + Math.random())) : show;

if ("stream" in page.dataset) {
  follow(page.dataset.stream, hear, (stands) => { isLost = !stands; tell(); }, page.dataset.version);
}
