// One question with believable figures, for pages that are looked at.
import { made } from "./people.mjs";

export const FESTIVAL = {
  title: "Where shall the summer festival be held?",
  choices: ["The old harbour", "City park", "Market square, if the fountains are finished in time", "Cancel it"],
  change: "until_close",
};

const range = (from, to) => Array.from({ length: to - from }, (_, at) => `v${from + at}`);

// Votes, and a few who have come and not voted yet.
export async function cast(server, poll) {
  await Promise.all(range(0, 24).map(async () => (await fetch(`${server.url}/${poll.code}`)).text()));
  await server.others(poll, "the-old-harbour", range(0, 23));
  await server.others(poll, "city-park", range(23, 38));
  await server.others(poll, "cancel-it", range(38, 41));
}

// With its votes, and nobody's.
export async function festival(server, more = {}) {
  const poll = await server.poll({ ...FESTIVAL, ...more });
  await cast(server, poll);
  return poll;
}

// A draft that somebody can run.
export const draft = (server, owner, fields = {}) =>
  made(server, owner, { title: FESTIVAL.title, choices: FESTIVAL.choices.join("\n"), changeable: "yes", ...fields });
