// The results page follows its stream.
import { draw, follow, put } from "./live.js";
import { say } from "./texts.js";

const page = document.getElementById("main");
let isLive = false;
let isLost = false;
const tell = () => put(document.getElementById("line"), isLost ? say("line-lost") : isLive ? say("live") : "");

follow(
  page.dataset.stream,
  (results) => {
    // A new round has new choices: the server draws the page again.
    if (!draw(results)) return location.reload();
    document.getElementById("hidden").hidden = !results.hidden;
    isLive = results.status === "open" && !results.hidden;
    tell();
  },
  (stands) => { isLost = !stands; tell(); },
);
