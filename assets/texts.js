// The page's own words, and numbers as its reader writes them: the same as the server's (src/http/web/texts.rs).
const texts = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");
const lang = document.documentElement.lang;
const whole = new Intl.NumberFormat(lang, { useGrouping: true, minimumGroupingDigits: 1 });
const tenth = new Intl.NumberFormat(lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const forms = new Intl.PluralRules(lang);

export const number = (value) => whole.format(value);
export const tenths = (value) => tenth.format(value / 10);
// A narrow space before the sign in French, none in English.
export const percent = (permille) => `${tenths(permille)}${lang === "fr" ? "\u202f" : ""}%`;

// A sentence, with words put in. What people wrote is only ever text: it goes where textContent goes.
export const say = (key, words = {}) => texts[key].replace(/\{(\w+)\}/g, (hole, name) => words[name] ?? hole);

// A text about a number of things, in the right form.
export const count = (key, value) => (texts[key][forms.select(value)] ?? texts[key].other).replace("{shown}", number(value));

export const locale = navigator.language.startsWith(lang) ? navigator.language : lang;
const long = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" });

// A moment in the reader's own zone. In French the first of a month is the only day that is called so.
export const moment = (instant) => {
  const told = long.format(new Date(instant));
  return lang === "fr" ? told.replace(/^1 (?=\p{L})/u, "1er ") : told;
};

// Tells moments, where the server could only tell them in UTC.
export function localise() {
  for (const element of document.querySelectorAll("[data-moment]")) {
    element.textContent = say(element.dataset.say, { moment: moment(element.dataset.moment) });
  }
}
