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

// The stream is of the latest round. Of an earlier one that is hidden it says that something has changed: maybe this was shown.
let due;
const again = () => { due ??= setTimeout(() => location.reload(), 20000 * Math.random()); };
const hear = "earlier" in page.dataset ? again : show;

if ("stream" in page.dataset) {
  follow(page.dataset.stream, hear, (stands) => put(at("line"), stands ? "" : say("line-lost")), page.dataset.version);
}
