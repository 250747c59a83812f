// Tells moments in the reader's own zone, where the server could only tell them in UTC.
import { moment } from "./texts.js";

for (const time of document.querySelectorAll("time[datetime]")) time.textContent = moment(time.dateTime);
