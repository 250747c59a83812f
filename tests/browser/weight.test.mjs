// How light pages are: bytes, slow lines, things that jump, and tasks that block a thumb.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { good, launch, open, PHONE, still, WIDE } from "./browser.mjs";
import { Server } from "./server.mjs";

let [browser, server] = [];
before(async () => { [browser, server] = await Promise.all([launch(), Server.start()]); });
after(async () => { await browser.close(); await server.stop(); });

const FIRST_LOOK_MAX = 30000;
// 400 kbit a second and 400 ms each way and back.
const SLOW_3G = { offline: false, latency: 400, downloadThroughput: 50000, uploadThroughput: 50000 };

const counted = (phone) => phone.locator("#own-state", { hasText: "Counted" }).waitFor();

// A page that has loaded nothing yet, and the tools to watch its lines.
async function fresh() {
  const page = await open(browser, "about:blank", PHONE);
  const tools = await page.context().newCDPSession(page);
  await tools.send("Network.enable");
  return [page, tools];
}

test("the first look at a voter's page takes at most 30 KB, and the vote is in it", async () => {
  const poll = await server.poll({ accent: "#c2185b", choices: Array.from({ length: 10 }, (_, at) => `Candidate number ${at + 1}`) });
  const [phone, tools] = await fresh();
  const bytes = new Map();
  let total = 0;
  tools.on("Network.responseReceived", ({ requestId, response }) => bytes.set(requestId, response.url));
  tools.on("Network.loadingFinished", ({ encodedDataLength }) => { total += encodedDataLength; });
  await phone.goto(poll.page);
  await phone.locator("#paper .title").first().tap();
  await phone.locator("#vote").tap();
  await counted(phone);
  const files = [...bytes.values()].map((url) => new URL(url).pathname.split("/").at(-1));
  for (const file of ["hustings.css", "vote.js", "send.js", "live.js", "texts.js"]) assert.ok(files.includes(file), `${file} of ${files}`);
  assert.ok(total > 5000 && total <= FIRST_LOOK_MAX, `${total} bytes`);
  good(phone);
});

test("at slow 3G a vote is counted", async () => {
  const poll = await server.poll();
  const [phone, tools] = await fresh();
  await tools.send("Network.emulateNetworkConditions", SLOW_3G);
  await phone.goto(poll.page, { waitUntil: "commit" });
  await phone.locator("#paper .title", { hasText: "Tea" }).tap();
  await phone.locator("#vote").tap();
  await phone.locator("#own-text", { hasText: "You voted for Tea." }).waitFor();
  await counted(phone);
  assert.equal((await server.results(poll)).ballots, 1);
  good(phone);
});

test("a page is used before its scripts are there, and what was chosen stays when they come", async () => {
  const poll = await server.poll({ change: "until_close" });
  const [phone] = await fresh();
  let arrive;
  const held = new Promise((done) => { arrive = done; });
  await phone.route("**/*.js", async (route) => { await held; await route.continue(); });
  await phone.goto(poll.page, { waitUntil: "commit" });
  await phone.locator("#paper .title", { hasText: "Tea" }).tap();
  await phone.locator("#vote").tap();
  await phone.locator("#own-text", { hasText: "You voted for Tea." }).waitFor();
  await phone.locator("#own-state", { hasText: "Counted" }).waitFor();
  await phone.locator("#change").tap();
  await phone.locator("#paper .title", { hasText: "Coffee" }).tap();
  arrive();
  await phone.waitForLoadState("load");
  assert.equal(await phone.getByLabel("Coffee").isChecked(), true);
  await phone.locator("#vote").tap();
  await phone.locator("#own-text", { hasText: "You voted for Coffee." }).waitFor();
  await counted(phone);
  const { ballots, choices } = await server.results(poll);
  assert.deepEqual([ballots, ...choices.map((choice) => choice.votes)], [1, 0, 1]);
  good(phone);
});

test("nothing jumps on a screen or beside results, from the first picture on, while votes come", async () => {
  for (const [path, shape] of [["/screen", WIDE], ["/results", PHONE], ["/results", WIDE]]) {
    const poll = await server.poll({ accent: "#2e7d32", title: "Where shall the summer festival be held this year?" });
    const page = await open(browser, poll.page + path, shape);
    await page.locator("#line", { hasText: "Live" }).waitFor();
    await server.others(poll, "tea", ["a", "b", "c"]);
    await page.locator("#voters", { hasText: "3 voters" }).waitFor();
    await server.others(poll, "coffee", ["d", "e", "f", "g", "h", "i", "j", "k"]);
    await page.locator("#voters", { hasText: "11 voters" }).waitFor();
    await still(page);
    good(page);
    await page.context().close();
  }
});

test("a screen that was in another tab shows what is, at once when it is looked at again", async () => {
  const poll = await server.poll();
  const screen = await open(browser, `${poll.page}/screen`, WIDE);
  await screen.locator("#line", { hasText: "Live" }).waitFor();
  const tools = await screen.context().newCDPSession(screen);
  await tools.send("Page.setWebLifecycleState", { state: "frozen" });
  await server.others(poll, "coffee", ["a", "b"]);
  await tools.send("Page.setWebLifecycleState", { state: "active" });
  await screen.locator("#voters", { hasText: "2 voters" }).waitFor();
  await screen.locator("#line", { hasText: "Live" }).waitFor();
  good(screen);
});
