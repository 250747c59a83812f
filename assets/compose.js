// Turns the text of choices, one a line, into a list that is filled in and put in order, with a thumb or with the keyboard.
// The text stays what is sent.
import { say } from "./texts.js";

const text = document.getElementById("choices");
const list = document.getElementById("choice-list");
const lines = (value) => value.split(/\r?\n/).map((line) => line.trim());
const fields = () => [...list.querySelectorAll("input")];

const write = () => {
  text.value = fields().map((field) => field.value.trim()).filter(Boolean).join("\n");
};

// Names each row by its number, for who hears the page.
const number = () => {
  [...list.children].forEach((row, at, rows) => {
    const words = { number: String(at + 1) };
    row.querySelector("input").setAttribute("aria-label", say("choice-number", words));
    const [up, down, away] = row.querySelectorAll("button");
    for (const [button, key] of [[up, "choice-up"], [down, "choice-down"], [away, "choice-away"]]) {
      button.setAttribute("aria-label", say(key, words));
      button.title = say(key, words);
    }
    up.disabled = at === 0;
    down.disabled = at === rows.length - 1;
  });
  write();
};

function button(sign, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "icon";
  made.textContent = sign;
  made.addEventListener("click", act);
  return made;
}

function row(value, after) {
  const made = document.createElement("li");
  const field = document.createElement("input");
  field.className = "field";
  field.maxLength = 200;
  field.value = value;
  field.autocomplete = "off";
  field.addEventListener("input", write);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      const next = made.nextElementSibling ?? row("", made);
      number();
      next.querySelector("input").focus();
    } else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      move(event.key === "ArrowUp" ? -1 : 1, field);
    } else if (event.key === "Backspace" && !field.value && list.children.length > 1) {
      event.preventDefault();
      const near = made.previousElementSibling ?? made.nextElementSibling;
      made.remove();
      number();
      near.querySelector("input").focus();
    }
  });
  // Many lines at once are many choices.
  field.addEventListener("paste", (event) => {
    const pasted = lines(event.clipboardData.getData("text")).filter(Boolean);
    if (pasted.length < 2) return;
    event.preventDefault();
    let last = made;
    if (!field.value.trim()) field.value = pasted.shift();
    for (const line of pasted) last = row(line, last);
    number();
    last.querySelector("input").focus();
  });
  const move = (by, back) => {
    const other = by < 0 ? made.previousElementSibling : made.nextElementSibling;
    if (!other) return;
    if (by < 0) other.before(made);
    else other.after(made);
    number();
    (back.disabled ? field : back).focus();
  };
  const up = button("↑", () => move(-1, up));
  const down = button("↓", () => move(1, down));
  const away = button("×", () => {
    const near = made.nextElementSibling ?? made.previousElementSibling;
    if (!near) field.value = "";
    else made.remove();
    number();
    (near ?? made).querySelector("input").focus();
  });
  made.append(field, up, down, away);
  if (after) after.after(made);
  else list.append(made);
  return made;
}

const begun = lines(text.value).filter(Boolean);
for (const line of begun.length ? begun : ["", ""]) row(line);
number();
text.hidden = true;
text.required = false;
list.hidden = false;
document.getElementById("choice-more").hidden = false;
document.getElementById("choices-label").htmlFor = "";
document.getElementById("choice-add").addEventListener("click", () => {
  const made = row("");
  number();
  made.querySelector("input").focus();
});

// What belongs to another method is out of the way.
const inset = () => {
  const method = document.querySelector("input[name=method]:checked")?.value;
  for (const part of document.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== method;
};
document.querySelectorAll("input[name=method]").forEach((choice) => choice.addEventListener("change", inset));
inset();

const zone = document.getElementById("zone");
if ("guess" in zone.dataset) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || zone.value;
