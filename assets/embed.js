// Results in the frame of another page, kept at the latest version.
import { draw, follow, put } from "./live.js";
import { localise, say } from "./texts.js";

const at = (id) => document.getElementById(id);
const page = at("main");
localise();

function show(results) {
  // What is told while nothing is shown, and other choices, are the server's to draw. Not all frames at once.
  const isTurned = results.hidden && at("status").dataset.status !== results.status;
  if (!draw(results) || isTurned) return setTimeout(() => location.reload(), 5000 * Math.random());
  page.toggleAttribute("data-hidden", results.hidden);
  at("hidden").hidden = !results.hidden;
}

follow(page.dataset.stream, show, (stands) => put(at("line"), stands ? "" : say("line-lost")), page.dataset.version);
