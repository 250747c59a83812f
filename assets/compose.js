// The list of choices is filled in and put in order, with a thumb or with the keyboard, and has as many fields as it needs.
import { say } from "./texts.js";

const list = document.getElementById("choice-list");
const field = (row) => row.querySelector("input");
const isEmpty = (row) => !field(row).value.trim();

// Names each row by its number, for who hears the page.
const number = () => {
  [...list.children].forEach((row, at, rows) => {
    const words = { number: String(at + 1) };
    field(row).setAttribute("aria-label", say("choice-number", words));
    for (const button of row.querySelectorAll("button")) {
      button.title = say(`choice-${button.dataset.move}`, words);
      button.setAttribute("aria-label", button.title);
    }
    row.querySelector("[data-move=up]").disabled = at === 0;
    row.querySelector("[data-move=down]").disabled = at === rows.length - 1;
  });
};

// Another row, like those that are there. Whatever is said of one of them is not said of it.
function added(value, after = list.lastElementChild) {
  const row = after.cloneNode(true);
  for (const name of ["id", "aria-invalid", "aria-describedby"]) field(row).removeAttribute(name);
  field(row).value = value;
  after.after(row);
  return row;
}

function move(row, by, back) {
  const other = by < 0 ? row.previousElementSibling : row.nextElementSibling;
  if (!other) return;
  if (by < 0) other.before(row);
  else other.after(row);
  number();
  (back.disabled ? field(row) : back).focus();
}

// The last field stays, and is emptied.
function remove(row, near) {
  if (near) row.remove();
  else field(row).value = "";
  number();
  field(near ?? row).focus();
}

const acts = {
  up: (row, button) => move(row, -1, button),
  down: (row, button) => move(row, 1, button),
  away: (row) => remove(row, row.nextElementSibling ?? row.previousElementSibling),
};
list.addEventListener("click", ({ target }) => acts[target.dataset.move]?.(target.closest("li"), target));

list.addEventListener("keydown", (event) => {
  if (event.target.name !== "choice") return;
  const row = event.target.closest("li");
  const near = row.previousElementSibling ?? row.nextElementSibling;
  if (event.key === "Enter") {
    const next = row.nextElementSibling ?? added("", row);
    number();
    field(next).focus();
  } else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    move(row, event.key === "ArrowUp" ? -1 : 1, event.target);
  } else if (event.key === "Backspace" && !event.target.value && near) {
    remove(row, near);
  } else return;
  event.preventDefault();
});

// Many lines at once are many choices, in the place of fields that wait for them.
list.addEventListener("paste", (event) => {
  const lines = event.clipboardData.getData("text").split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  if (lines.length < 2) return;
  event.preventDefault();
  const row = event.target.closest("li");
  let last = row;
  if (isEmpty(row)) field(row).value = lines.shift();
  for (const line of lines) last = added(line, last);
  [...list.children].filter(isEmpty).forEach((empty) => empty.remove());
  number();
  field(last).focus();
});

document.getElementById("choice-add").addEventListener("click", () => {
  const row = added("");
  number();
  field(row).focus();
});

const zone = document.getElementById("zone");
if ("guess" in zone.dataset) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || zone.value;
