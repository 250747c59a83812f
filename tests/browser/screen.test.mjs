// The screen of a hall: what it shows, how fast, and that nothing makes it go backward.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { good, launch, open, WIDE } from "./browser.mjs";
import { Server } from "./server.mjs";

let [browser, server] = [];
before(async () => { [browser, server] = await Promise.all([launch(), Server.start()]); });
after(async () => { await browser.close(); await server.stop(); });

const screen = (poll, options = {}) => open(browser, `${poll.page}/screen`, { ...WIDE, ...options });
const shows = (page, ...votes) => page.waitForFunction(
  (wanted) => [...document.querySelectorAll(".votes")].map((found) => found.textContent).join() === wanted, votes.join());

// Notes every total that the screen shows from now on.
const note = (page) => page.evaluate(() => {
  window.totals = [];
  const read = () => window.totals.push(parseInt(document.getElementById("voters").textContent.replace(/\D/g, "") || "0", 10));
  read();
  new MutationObserver(read).observe(document.getElementById("voters"), { childList: true, characterData: true, subtree: true });
});

test("votes from phones come to the screen by themselves, and it never goes backward", async () => {
  const poll = await server.poll();
  const page = await screen(poll);
  await page.locator("#line", { hasText: "Live" }).waitFor();
  await note(page);
  const phones = await Promise.all([1, 2, 3].map(() => open(browser, poll.page)));
  for (const [at, phone] of phones.entries()) {
    await phone.locator("#paper .title", { hasText: at === 2 ? "Coffee" : "Tea" }).tap();
    await phone.locator("#vote").tap();
    await phone.locator("#own-state", { hasText: "Counted" }).waitFor();
    await page.waitForFunction((wanted) => document.getElementById("voters").textContent.startsWith(wanted), String(at + 1));
  }
  await shows(page, 2, 1);
  await server.others(poll, "coffee", ["a", "b", "c", "d"]);
  await shows(page, 2, 5);
  const totals = await page.evaluate(() => window.totals);
  assert.deepEqual(totals, [...totals].sort((a, b) => a - b), "totals only rise");
  good(page);
});

test("a reload shows what stood, from the first picture on", async () => {
  const poll = await server.poll();
  await server.others(poll, "tea", ["a", "b", "c"]);
  const page = await screen(poll, { javaScriptEnabled: false });
  assert.deepEqual(await page.locator(".votes").allTextContents(), ["3", "0"]);
  assert.match(await page.locator("#voters").textContent(), /3 voters/);
  assert.equal(await page.locator(".fill").first().getAttribute("transform"), "scale(1.000 1)");
});

test("hidden until the reveal: nothing on it tells, and then all is there", async () => {
  const poll = await server.poll({ visibility: "on_reveal" });
  const page = await screen(poll);
  await page.locator("#veil", { hasText: "hidden until" }).waitFor();
  await server.others(poll, "tea", ["a", "b"]);
  await server.act(poll, "close");
  await page.locator("#status", { hasText: "Closed" }).waitFor();
  assert.deepEqual(await page.locator(".votes").allTextContents(), ["", ""]);
  assert.equal(await page.locator("#voters").textContent(), "");
  await server.act(poll, "reveal");
  await shows(page, 2, 0);
  assert.equal(await page.locator("#veil").textContent(), "");
  good(page);
});

test("the server is killed and comes back: the screen goes on from where it was", async () => {
  const poll = await server.poll();
  const page = await screen(poll);
  await server.others(poll, "tea", ["a", "b"]);
  await shows(page, 2, 0);
  await note(page);
  await server.kill();
  await page.locator("#line", { hasText: "last results received" }).waitFor();
  assert.deepEqual(await page.locator(".votes").allTextContents(), ["2", "0"]);
  await server.again();
  await server.others(poll, "coffee", ["c"]);
  await shows(page, 2, 1);
  await page.locator("#line", { hasText: "Live" }).waitFor();
  const totals = await page.evaluate(() => window.totals);
  assert.deepEqual(totals, [2, 3]);
});

test("a draft opens, and a new round is drawn by itself; arrows go between rounds", async () => {
  const poll = await server.poll({ open: false });
  const page = await screen(poll);
  assert.equal(await page.locator(".bars").isVisible(), false);
  await server.act(poll, "open");
  await page.locator(".bars").waitFor();
  await server.others(poll, "tea", ["a"]);
  await shows(page, 1, 0);
  await server.act(poll, "close");
  await server.ask("POST", `/api/v1/polls/${poll.id}/rounds`, { open: true });
  // What is drawn hears the keys once its scripts are there.
  const drawn = async (round, ...votes) => {
    await page.locator(".meta", { hasText: round }).waitFor();
    await shows(page, ...votes);
    await page.waitForLoadState("load");
  };
  await drawn("Round 2", 0, 0);
  await page.keyboard.press("ArrowLeft");
  await drawn("Round 1", 1, 0);
  await page.keyboard.press("ArrowRight");
  await drawn("Round 2", 0, 0);
  good(page);
});

test("the keys do what they say, and reduced motion moves nothing", async () => {
  const poll = await server.poll();
  const page = await screen(poll, { reducedMotion: "reduce" });
  await page.keyboard.press("q");
  await page.locator("#qr img").waitFor();
  assert.ok(await page.locator("#qr img").evaluate((image) => image.complete && image.naturalWidth > 0), "the picture is there");
  await page.keyboard.press("q");
  await page.locator("#qr").waitFor({ state: "hidden" });
  await page.keyboard.press("?");
  await page.locator("#keys", { hasText: "Full screen" }).waitFor();
  await page.keyboard.press("Escape");
  await page.locator("#keys").waitFor({ state: "hidden" });
  await page.keyboard.press("f");
  await page.waitForFunction(() => document.fullscreenElement !== null);
  assert.equal(await page.locator(".fill").first().evaluate((fill) => getComputedStyle(fill).transitionDuration), "0s");
  good(page);
});

test("however many choices there are, all of each is on the screen", async () => {
  const long = "A choice whose title goes on and on, as titles of motions do, until nobody reads it any more";
  for (const choices of [2, 4, 5, 8, 12, 16, 30, 60, 200]) {
    const poll = await server.poll({ title: "Which of these?", choices: Array.from({ length: choices }, (_, at) => `${at % 3 ? "Candidate" : long} ${at}`) });
    const page = await screen(poll);
    await page.locator("#line", { hasText: "Live" }).waitFor();
    const [needs, has] = await page.evaluate(() => {
      const room = document.querySelector(".count");
      return [room.scrollHeight, room.clientHeight];
    });
    if (choices <= 30) assert.ok(needs <= has, `${choices} choices need ${needs} of ${has}`);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, `${choices} choices`);
    await page.context().close();
  }
});

test("what phones cannot reach is said beside the foot and not over it, and the code keeps off the edge", async () => {
  const title = "Which of all these many proposals for the new town hall, some of them rather costly, is to be built first?";
  for (const more of [{}, { title, choices: Array.from({ length: 8 }, (_, at) => `Candidate ${at}`) }]) {
    const poll = await server.poll(more);
    for (const [width, height] of [[1920, 1080], [1600, 900], [1366, 768], [1024, 768]]) {
      for (const locale of ["en-GB", "fr-FR"]) {
        const page = await screen(poll, { viewport: { width, height }, locale });
        const [qr, told, foot] = await page.evaluate(() => [".join .qr", ".unreachable", ".base"].map((part) => document.querySelector(part).getBoundingClientRect().toJSON()));
        const where = `${width}x${height}, ${locale}: ${JSON.stringify({ qr, told, foot })}`;
        assert.ok(told.bottom <= foot.top + 1, `over the foot, ${where}`);
        assert.ok(qr.top >= 16, `at the edge, ${where}`);
        assert.ok(Math.abs(qr.width - qr.height) < 1 && qr.width > height / 4, `not to be scanned, ${where}`);
        await page.context().close();
      }
    }
  }
});
