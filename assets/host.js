// Keeps the console at what is: figures as they come, and the page drawn again by the server when there is something else to do.
import { draw, follow, put } from "./live.js";
import { say } from "./texts.js";

const page = document.getElementById("main");
const line = document.getElementById("line");
const isBusy = () => document.querySelector("details[open]") || ["INPUT", "TEXTAREA"].includes(document.activeElement?.tagName);
let [moved, isGone] = [false, false];

// Not under the hands of somebody who is typing or about to say yes.
const again = () => {
  if (moved && !isGone && !isBusy()) location.replace(location.pathname);
};

// Nothing can be done any more: what did something goes, and a sentence stands where the buttons were.
const gone = () => {
  isGone = true;
  for (const one of page.querySelectorAll(".now > :not(#gone), .earlier, .more")) one.remove();
  document.getElementById("gone").hidden = false;
  // It said so to who hears the page.
  line.classList.add("away");
};

follow(
  page.dataset.stream,
  (results) => {
    moved = results.status !== page.dataset.status || String(results.round) !== page.dataset.round;
    if (!draw(results)) moved = true;
    again();
  },
  (stands) => put(line, stands ? say("live") : say("line-lost")),
  "",
  gone,
);
document.addEventListener("toggle", again, true);
document.addEventListener("focusout", () => setTimeout(again));

const figures = async () => {
  if (isGone || document.visibilityState !== "visible") return;
  try {
    const answer = await fetch(page.dataset.health, { headers: { accept: "application/json" } });
    if (!answer.ok || answer.redirected) return;
    const health = await answer.json();
    for (const figure of document.querySelectorAll("[data-figure]")) put(figure, health[figure.dataset.figure]);
  } catch {
    // The line is lost; the stream says so.
  }
};
setInterval(figures, 2000);
