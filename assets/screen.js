// The big screen follows its poll. It shows what came last, moves towards it, and is never ahead of it.
import { draw, follow, put } from "./live.js";
import { say } from "./texts.js";

const page = document.getElementById("main");
const at = (id) => document.getElementById(id);
const { stream, round, latest, version } = page.dataset;
const isEarlier = round !== latest;

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

function show(results) {
  const isDraft = results.status === "draft";
  const opens = "draft" in page.dataset && !isDraft;
  // Another round has other choices, and so may have a draft that was edited until it opened: the server draws them.
  if (opens || results.round !== Number(round) || !draw(results)) return location.reload();
  page.toggleAttribute("data-hidden", results.hidden);
  page.toggleAttribute("data-over", !["draft", "open", "paused"].includes(results.status));
  const veil = at("veil").textContent;
  put(at("veil"), isDraft ? say("screen-draft") : results.hidden ? say("screen-hidden") : "");
  if (veil !== at("veil").textContent) fit();
}

if (!isEarlier) {
  const line = (stands) => {
    page.toggleAttribute("data-lost", !stands);
    put(at("line"), say(stands ? "live" : "line-lost"));
  };
  follow(stream, show, line, version);
}

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
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const act = {
    f: full,
    q: () => toggle(at("qr")),
    "?": () => toggle(at("keys")),
    arrowleft: () => turn(-1),
    arrowright: () => turn(1),
  }[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});
