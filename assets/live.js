// Follows results and keeps bars at the latest version. The server never sends an older one: there is nothing to sort.
import { count, number, percent, say, tenths } from "./texts.js";

const rounded = (part, whole) => Math.floor((part + Math.floor(whole / 2)) / whole);

// Changes a text only where it differs, so that screen readers are not told the same again.
export const put = (element, text) => {
  if (element && element.textContent !== text) element.textContent = text;
};

// Puts results into the bars of the page. Says false where the bars are of another round, which only the server can draw.
export function draw(results) {
  const list = document.getElementById("bars");
  const rows = new Map([...list.children].map((row) => [row.dataset.id, row]));
  if (results.choices.some((choice) => !rows.has(choice.id))) return false;
  // Bars are shares of the voters; for scores they are points beside the leader's, with the mean score.
  const scored = results.method === "score";
  const figure = (choice) => (scored ? choice.points : choice.votes) ?? 0;
  const most = Math.max(...results.choices.map(figure));
  const leaders = results.choices.filter((choice) => figure(choice) === most).length;
  const whole = Math.max(scored ? most : (results.ballots ?? 0), 1);
  for (const choice of results.choices) {
    const row = rows.get(choice.id);
    // Nobody gave it points, good ones or bad ones: there is no mean.
    const isUnrated = scored && choice.votes === 0;
    const permille = rounded(figure(choice) * 1000, whole);
    const share = isUnrated ? "" : scored ? say("mean", { number: tenths(rounded(figure(choice) * 10, Math.max(choice.votes ?? 0, 1))) }) : percent(permille);
    const leads = !results.hidden && most > 0 && figure(choice) === most;
    put(row.querySelector(".votes"), results.hidden ? "" : isUnrated ? "–" : number(figure(choice)));
    put(row.querySelector(".share"), results.hidden ? "" : share);
    put(row.querySelector(".mark"), leads ? say(leaders > 1 ? "tied" : "leads") : "");
    row.classList.toggle("leads", leads);
    row.querySelector(".fill").style.transform = `scaleX(${results.hidden ? 0 : Math.min(1000, permille) / 1000})`;
  }
  const unit = { score: "unit-points", approval: "unit-voters" }[results.method] ?? "unit-votes";
  put(document.getElementById("unit"), results.hidden ? "" : say(unit));
  put(document.getElementById("voters"), results.hidden ? "" : count("voters", results.ballots));
  // A title may be corrected while all look at it.
  put(document.getElementById("title"), results.title);
  const status = document.getElementById("status");
  if (status) {
    put(status, say(`status-${results.status}`));
    status.dataset.status = results.status;
  }
  return true;
}

const GRACE_MS = 2500;

// Whether the server itself says that the poll was removed. A proxy without its server may say 404 as well, and a node that is
// behind for a moment that it knows no such poll.
async function isRemoved(address) {
  const ask = new AbortController();
  try {
    const answer = await fetch(address, { signal: ask.signal, cache: "no-store" });
    const isOurs = answer.headers.get("content-type")?.startsWith("application/problem+json");
    return answer.status === 404 && isOurs && (await answer.json()).code === "removed_poll";
  } catch {
    return false;
  } finally {
    ask.abort();
  }
}

// Keeps a stream open. `line` is told true when the line stands and false when it is lost. A browser reconnects by itself
// after a lost line, and gives up after a refusal, such as while a server restarts: then this begins anew, not all at once.
// Of a poll that was removed the page says so, `gone` is told, and nothing is asked any more.
export function follow(address, show, line, seen = "", gone = () => {}) {
  let [waits, isOver] = [0, false];
  let [source, timer, grace] = [];
  const end = () => {
    isOver = true;
    clearTimeout(timer);
    clearTimeout(grace);
    source.close();
    line(false);
    put(document.getElementById("line"), say("poll-gone"));
    // It is neither open nor closed any more.
    document.getElementById("status")?.toggleAttribute("hidden", true);
    gone();
  };
  const begin = () => {
    if (isOver) return;
    clearTimeout(timer);
    source?.close();
    const url = new URL(address, location.href);
    // What was seen, here or on another node, is not sent again, and nothing older is.
    if (seen) url.searchParams.set("last_event_id", seen);
    source = new EventSource(url);
    source.addEventListener("results", (event) => {
      seen = event.lastEventId;
      show(JSON.parse(event.data));
    });
    source.addEventListener("open", () => {
      waits = 0;
      clearTimeout(grace);
      grace = undefined;
      line(true);
    });
    source.addEventListener("error", () => {
      // A short break, such as a server that starts anew, is not worth a word.
      grace ??= setTimeout(() => line(false), GRACE_MS);
      if (source.readyState !== EventSource.CLOSED) return;
      waits = Math.min(waits + 1, 4);
      timer = setTimeout(begin, 500 * 2 ** waits * (0.5 + Math.random()));
      isRemoved(address).then((is) => {
        if (is && !isOver) end();
      });
    });
  };
  addEventListener("online", begin);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && source.readyState !== EventSource.OPEN) begin();
  });
  begin();
  // Begins anew, as whoever this device is by now.
  return begin;
}
