// Every page that needs no signing in, looked at: phone and wide, light and dark, and by axe.
import { after, before, test } from "node:test";
import { phone, launch, look } from "./browser.mjs";
import { FESTIVAL, festival } from "./festival.mjs";
import { Server } from "./server.mjs";

let [browser, server] = [];
before(async () => { [browser, server] = await Promise.all([launch(), Server.start()]); });
after(async () => { await browser.close(); await server.stop(); });

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
  const poll = await festival(server);
  await look(browser, "vote", poll.page, mark);
  await look(browser, "voted", poll.page, voted);
  const lost = async (page) => {
    await page.route("**/votes", (route) => route.abort());
    await mark(page);
    await page.locator("#vote").click();
    await page.locator("#own-state", { hasText: "not yet" }).waitFor();
  };
  await look(browser, "unsure", poll.page, lost, phone);
  await look(browser, "vote-french", `${poll.page}?lang=fr`, mark, phone);
  await server.act(poll, "pause");
  await look(browser, "paused", poll.page, mark, phone);
  await server.act(poll, "close");
  await look(browser, "closed", poll.page, undefined, phone);
  const waiting = await server.poll({ ...FESTIVAL, open: false, opens_at: "2100-01-10T18:00:00Z" });
  await look(browser, "waiting", waiting.page, undefined, phone);
});

test("each kind of ballot paper", async () => {
  for (const [name, more] of [
    ["approval", { method: "approval", min: 1, max: 2, accent: "#c2185b" }],
    ["scale", { method: "score", accent: "#2e7d32" }],
    ["likes", { method: "score", max: 1, accent: "#ffd600" }],
    ["number", { method: "score", max: 100 }],
  ]) {
    const poll = await server.poll({ ...FESTIVAL, ...more });
    await look(browser, `paper-${name}`, poll.page, undefined, phone);
  }
});
