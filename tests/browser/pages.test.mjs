// Every page, looked at: phone and wide, light and dark, and by axe.
import { after, before, test } from "node:test";
import { launch, look, PHONE, WIDE } from "./browser.mjs";
import { Server } from "./server.mjs";

let [browser, server] = [];
before(async () => { [browser, server] = await Promise.all([launch(), Server.start()]); });
after(async () => { await browser.close(); await server.stop(); });

const FESTIVAL = {
  title: "Where shall the summer festival be held?",
  choices: ["The old harbour", "City park", "Market square, if the fountains are finished in time", "Cancel it"],
  change: "until_close",
};
const range = (from, to) => Array.from({ length: to - from }, (_, at) => `v${from + at}`);

async function festival(more = {}) {
  const poll = await server.poll({ ...FESTIVAL, ...more });
  await server.others(poll, "the-old-harbour", range(0, 23));
  await server.others(poll, "city-park", range(23, 38));
  await server.others(poll, "cancel-it", range(38, 41));
  return poll;
}

test("home, the unknown code, the interface, the style guide", async () => {
  await look(browser, "home", `${server.url}/`);
  await look(browser, "unknown", `${server.url}/ABCDEF`);
  await look(browser, "api", `${server.url}/api`);
  await look(browser, "styleguide", `${server.url}/styleguide`);
});

const mark = async (page) => { await page.locator("#paper .title").first().click(); };
const voted = async (page) => {
  await mark(page);
  await page.locator("#vote").click();
  await page.locator("#own-state", { hasText: "Counted" }).waitFor();
};

test("the voter's page in each state", async () => {
  const poll = await festival();
  await look(browser, "vote", poll.page, mark);
  await look(browser, "voted", poll.page, voted);
  const lost = async (page) => {
    await page.route("**/votes", (route) => route.abort());
    await mark(page);
    await page.locator("#vote").click();
    await page.locator("#own-state", { hasText: "not yet" }).waitFor();
  };
  await look(browser, "unsure", poll.page, lost, [["phone", PHONE]]);
  await look(browser, "vote-french", `${poll.page}?lang=fr`, mark, [["phone", PHONE]]);
  await server.act(poll, "pause");
  await look(browser, "paused", poll.page, mark, [["phone", PHONE]]);
  await server.act(poll, "close");
  await look(browser, "closed", poll.page, undefined, [["phone", PHONE]]);
  const waiting = await server.poll({ ...FESTIVAL, open: false, opens_at: "2100-01-10T18:00:00Z" });
  await look(browser, "waiting", waiting.page, undefined, [["phone", PHONE]]);
});

test("each kind of ballot paper", async () => {
  for (const [name, more] of [
    ["approval", { method: "approval", min: 1, max: 2, accent: "#c2185b" }],
    ["scale", { method: "score", accent: "#2e7d32" }],
    ["likes", { method: "score", max: 1, accent: "#ffd600" }],
    ["number", { method: "score", max: 100 }],
  ]) {
    const poll = await server.poll({ ...FESTIVAL, ...more });
    await look(browser, `paper-${name}`, poll.page, undefined, [["phone", PHONE]]);
  }
});

test("the screen in each state", async () => {
  const bars = (page) => page.locator("#line", { hasText: "Live" }).waitFor();
  const poll = await festival({ accent: "#2e7d32" });
  await look(browser, "screen", `${poll.page}/screen`, bars);
  const large = async (page) => { await page.keyboard.press("q"); await page.locator("#qr img").waitFor(); };
  await look(browser, "screen-qr", `${poll.page}/screen`, large, [["wide", WIDE]]);
  const keys = async (page) => { await page.keyboard.press("?"); };
  await look(browser, "screen-keys", `${poll.page}/screen`, keys, [["wide", WIDE]]);
  await server.act(poll, "close");
  await look(browser, "screen-closed", `${poll.page}/screen`, bars, [["wide", WIDE]]);
  const hidden = await festival({ visibility: "on_reveal" });
  await look(browser, "screen-hidden", `${hidden.page}/screen`, bars, [["wide", WIDE]]);
  const many = await server.poll({ title: "Which of these?", choices: Array.from({ length: 14 }, (_, at) => `Candidate number ${at + 1}`) });
  await look(browser, "screen-many", `${many.page}/screen`, bars, [["wide", WIDE]]);
  const draft = await server.poll({ ...FESTIVAL, open: false });
  await look(browser, "screen-draft", `${draft.page}/screen`, bars, [["wide", WIDE]]);
});
