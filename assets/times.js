// Tells moments in the reader's own zone, where the server could only tell them in UTC.
const { lang } = document.documentElement;
const locale = navigator.language.startsWith(lang) ? navigator.language : lang;
const moment = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" });
for (const time of document.querySelectorAll("time[datetime]")) time.textContent = moment.format(new Date(time.dateTime));
