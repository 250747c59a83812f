// The big screen follows its poll. It shows what came last, moves towards it, and is never ahead of it.
import { draw, follow, put } from "./live.js";
import { count, say } from "./texts.js";

const page = document.getElementById("main");
const at = (id) => document.getElementById(id);
const { stream, round, latest, version } = page.dataset;
const isEarlier = round !== latest;
// An earlier round that all see changes no more. Its stream only tells whether the poll is still there.
const isFixed = isEarlier && !("hidden" in page.dataset);
const JOINED_MS = 2000;

// Letters as large as all choices have room for: none is ever cut off.
function fit() {
  const [list, room] = [document.getElementById("bars"), document.querySelector(".count")];
  for (let scale = 1; scale > 0.3; scale *= 0.94) {
    list.style.setProperty("--fit", scale);
    if (room.scrollHeight <= room.clientHeight) return;
  }
}
fit();
addEventListener("resize", fit);

// Only a host's browser has the means to reveal, and only while there is something to reveal.
const ask = at("reveal");
let canReveal = false;
function offer(can) {
  canReveal = Boolean(ask) && can;
  for (const part of document.querySelectorAll("[data-reveals]")) part.hidden = !canReveal;
  if (ask?.open && !canReveal) ask.close();
}
offer("hidden" in page.dataset && !("draft" in page.dataset));

async function reveal() {
  put(at("reveal-wrong"), "");
  at("reveal-yes").disabled = true;
  // The round that the hall looks at, also where somebody has begun another one meanwhile.
  const meant = { headers: { "content-type": "application/json" }, body: JSON.stringify({ round: Number(round) }) };
  const answer = await fetch(ask.dataset.address, { method: "POST", ...meant }).catch(() => null);
  at("reveal-yes").disabled = false;
  // Who is signed in no more signs in, and comes back here, to the same round. What was revealed comes by the stream, as to
  // everybody.
  if (answer?.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  else if (answer?.ok) ask.close();
  else put(at("reveal-wrong"), say(!answer || answer.status >= 500 ? "problem-unavailable" : "host-refused"));
}

function show(results) {
  const isDraft = results.status === "draft";
  const opens = "draft" in page.dataset && !isDraft;
  // Another round has other choices, and so may have a draft that was edited until it opened: the server draws them.
  if (opens || results.round !== Number(round) || !draw(results)) return location.reload();
  page.toggleAttribute("data-hidden", results.hidden);
  offer(results.hidden && !isDraft);
  page.toggleAttribute("data-over", !["draft", "open", "paused"].includes(results.status));
  const veil = at("veil").textContent;
  put(at("veil"), isDraft ? say("screen-draft") : results.hidden ? say("screen-hidden") : "");
  if (veil !== at("veil").textContent) fit();
}

let isGone = false;
const line = (stands) => {
  page.toggleAttribute("data-lost", !stands);
  put(at("line"), stands ? (isFixed ? "" : say("live")) : say("line-lost"));
  // More words at the foot leave less room above it.
  fit();
};
const gone = () => {
  isGone = true;
  fit();
};

// The stream is of the latest round. Of an earlier one that is hidden it says that something has changed: maybe this was shown.
// Whatever comes while that is found out, or was not found out, is looked at after a pause.
const LOOK_MS = 1000;
let [looks, wanted] = [false];
async function look({ version }) {
  wanted = version;
  if (looks) return;
  looks = true;
  while (wanted && !isGone) {
    const asked = wanted;
    wanted = undefined;
    // As the hall, not as whoever else uses this browser, and from a node that knows of it by now.
    const address = `${page.dataset.results}&min_version=${asked}`;
    const results = await fetch(address, { cache: "no-store", credentials: "omit" }).then((answer) => answer.ok && answer.json()).catch(() => null);
    if (results && !results.hidden) return location.reload();
    if (!results) wanted ??= asked;
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
  looks = false;
}

const hear = isFixed ? () => {} : isEarlier ? look : show;
follow(stream, hear, line, version, gone);

// Who has come is asked for, because it is no part of results: they may be hidden while a hall fills.
async function come() {
  if (isGone || document.visibilityState !== "visible") return;
  const answer = await fetch(page.dataset.joined).catch(() => null);
  if (!answer?.ok) return;
  const { joined } = await answer.json();
  if (joined > 0) put(at("joined"), count("joined", joined));
}
setInterval(come, JOINED_MS);
document.addEventListener("visibilitychange", come);

function full() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}
const toggle = (dialog) => (dialog.open ? dialog.close() : dialog.showModal());
function turn(by) {
  const to = Number(round) + by;
  if (to < 1 || to > Number(latest)) return;
  location.search = to === Number(latest) ? "" : `?round=${to}`;
}

at("full").addEventListener("click", full);
at("large").addEventListener("click", () => toggle(at("qr")));
at("help").addEventListener("click", () => toggle(at("keys")));
document.querySelector("button[data-reveals]")?.addEventListener("click", () => toggle(ask));
at("reveal-yes")?.addEventListener("click", reveal);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const act = {
    f: full,
    q: () => toggle(at("qr")),
    r: canReveal ? () => toggle(ask) : undefined,
    "?": () => toggle(at("keys")),
    arrowleft: () => turn(-1),
    arrowright: () => turn(1),
  }[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});
