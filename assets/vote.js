// The voter's page: optimistic, and honest about what is known. Whatever others do, it never resets a choice.
import { draw, follow, put } from "./live.js";
import { deliver, keeper, newId } from "./send.js";
import { localise, number, say } from "./texts.js";

const at = (id) => document.getElementById(id);
const [page, paper, own] = [at("main"), at("paper"), at("own")];
const { poll, keep, round } = page.dataset;
const canChange = "changeable" in page.dataset;
const kept = keeper(`hustings ${keep}`);
// What the page says when it is drawn anew. Only this browser writes there; an address anybody could have written.
const words = keeper(`hustings said ${poll}`);
const form = paper.dataset.form;

let status = page.dataset.status;
let isHidden = "hidden" in page.dataset;
let receipt = page.dataset.receipt;
let isSending = false;
// Whether another paper than this one is to be filled in by now.
let isStale = false;
let isChanging = receipt !== undefined && !paper.hidden;

const isOver = () => !["draft", "open", "paused"].includes(status);

// What stands where follows from what is known, and from nothing else.
function arrange() {
  const voted = receipt !== undefined || isSending;
  const fills = ["open", "paused"].includes(status) && (!voted || (isChanging && !isSending));
  paper.hidden = !fills;
  own.hidden = !voted || fills;
  own.dataset.state = isSending ? "sending" : "counted";
  at("waiting").hidden = status !== "draft";
  at("paused").hidden = status !== "paused";
  at("vote").disabled = status === "paused";
  put(at("vote"), say(receipt === undefined ? "vote" : "vote-change"));
  at("change-row").hidden = isSending || !canChange || status !== "open";
  at("over").hidden = !isOver() || isSending;
  if (isOver()) put(at("over"), say(receipt === undefined ? at("over").dataset.unvoted : "closed-voted"));
  at("results").hidden = isHidden || !((receipt !== undefined && !fills) || isOver());
}

function tell(text) {
  at("said").hidden = !text;
  put(at("said"), text);
}

// What the paper says now: the body of a vote, the sentence about it, and what is wrong with it.
function filled() {
  const marked = [...paper.querySelectorAll("input:checked")];
  const title = (input) => input.closest(".option, .scored").querySelector(".title").textContent;
  const scores = {};
  const choices = [];
  let titles = marked.map(title);
  let key = "you-voted-for";
  if (form === "single" || form === "approval") choices.push(...marked.map((input) => input.value));
  else {
    for (const input of paper.elements) {
      const id = input.name.startsWith("score-") && input.name.slice(6);
      if (!id || input.value === "" || (input.type !== "hidden" && input.type !== "number" && !input.checked)) continue;
      scores[id] = Number(input.value);
    }
    if (form !== "likes") {
      key = "you-scored";
      const given = [...paper.querySelectorAll(form === "scale" ? "input:checked" : "input[type=number]")];
      titles = given.filter((input) => input.value !== "").map((input) => `${title(input)} ${input.value}`);
    }
  }
  const list = key === "you-scored" || titles.length < 2
    ? titles.join(", ")
    : say("list", { first: titles.slice(0, -1).join(", "), last: titles.at(-1) });
  const counts = form === "likes" ? Number(paper.dataset.fewest) : titles.length;
  const wrong = counts < Number(paper.dataset.fewest) ? (key === "you-scored" ? "said-too-few-scores" : "said-too-few-choices")
    : counts > Number(paper.dataset.most) ? "said-too-many-choices"
      : !paper.checkValidity() ? "said-score-out-of-range" : "";
  const vote = form === "single" || form === "approval" ? { choices } : { scores };
  return { vote, told: titles.length ? say(key, { choice: list }) : say("you-voted-blank"), wrong };
}

// Puts marks back as they were before a reload.
function fill(vote) {
  for (const input of paper.querySelectorAll("input:not([type=hidden])")) {
    const score = vote.scores?.[input.name.slice(6)];
    if (input.type === "number") input.value = score ?? "";
    else input.checked = vote.choices ? vote.choices.includes(input.value) : String(score) === input.value;
  }
}

async function send({ id, vote, replaces, told }) {
  isSending = true;
  put(at("own-text"), told);
  put(at("own-state"), say("sending"));
  tell("");
  arrange();
  const body = JSON.stringify({ id, ...vote, ...(replaces && { replaces }) });
  const heard = await deliver(`/api/v1/polls/${poll}/votes`, body, (how) => put(at("own-state"), say(how)));
  isSending = false;
  const { status: became, code } = heard.answer;
  if (became === "counted" || became === "changed" || became === "repeated") {
    kept.clear();
    receipt = heard.answer.receipt.id;
    isChanging = false;
    const place = heard.answer.receipt.seq;
    put(at("own-state"), place ? say("counted-number", { number: number(place) }) : say("counted"));
    if (isStale) return location.replace(location.pathname);
    arrange();
    // Results that come after the own vote come to this device from now on.
    followAgain();
    return;
  }
  // Refused: what was chosen stays on the paper, unless something else counts by now, which the server knows.
  const stays = ["contest_paused", "contest_not_open", "no_voter", "too_few_choices", "too_many_choices", "score_out_of_range"];
  if (stays.includes(code)) {
    kept.write({ vote });
    tell(say(code === "too_few_choices" && "scores" in vote ? "said-too-few-scores" : `said-${code.replaceAll("_", "-")}`));
    arrange();
    return;
  }
  kept.clear();
  words.write({
    already_voted: "coded" in page.dataset ? "said-already-voted-code" : "said-already-voted",
    contest_closed: "said-contest-closed",
    superseded: "said-superseded",
    unknown_choice: "said-unknown-choice",
  }[became === "superseded" ? became : code] ?? "said-other");
  location.replace(location.pathname);
}

paper.addEventListener("submit", (event) => {
  event.preventDefault();
  if (isSending) return;
  const { vote, told, wrong } = filled();
  put(at("wrong"), wrong && say(wrong));
  if (wrong) return;
  const record = { id: newId(), vote, told, replaces: receipt };
  kept.write(record);
  send(record);
  at("own-text").focus();
});

paper.addEventListener("input", () => {
  put(at("wrong"), "");
  kept.write({ vote: filled().vote });
});

at("change").addEventListener("click", (event) => {
  event.preventDefault();
  isChanging = true;
  arrange();
  (paper.querySelector("input:checked") ?? paper.querySelector("input:not([type=hidden])")).focus();
});

// Another tab of this browser voted: what counts now stands with the server.
addEventListener("storage", (event) => {
  if (event.key === `hustings ${keep}` && event.newValue === null && !isSending) location.reload();
});
// A page that comes back from the browser's memory may be long out of date.
addEventListener("pageshow", (event) => event.persisted && location.reload());

const followAgain = follow(
  `/api/v1/polls/${poll}/results/stream`,
  (results) => {
    const opens = status === "draft" && results.status !== "draft";
    // What opens may have been edited until now, and a new round has a paper of its own: the server draws both.
    if (opens || results.round !== Number(round)) {
      isStale = true;
      if (isSending) return;
      return location.replace(location.pathname);
    }
    [status, isHidden] = [results.status, results.hidden];
    draw(results);
    arrange();
  },
  (stands) => put(at("line"), stands || isOver() ? "" : say("line-lost-voter")),
  "",
  () => {
    paper.hidden = true;
    at("waiting").hidden = true;
    put(at("line"), "");
    tell(say("poll-gone"));
  },
);

localise();
if (location.search) history.replaceState(null, "", location.pathname);
paper.noValidate = true;
const heard = words.read();
if (heard) {
  words.clear();
  // An earlier round closed, and this is the paper of the next one.
  const isNext = heard === "said-contest-closed" && Number(round) > 1 && ["open", "paused"].includes(status);
  tell(say(isNext ? "said-unknown-choice" : heard));
}
const before = kept.read();
if (before?.id) send(before);
else if (before?.vote && !paper.hidden) fill(before.vote);
