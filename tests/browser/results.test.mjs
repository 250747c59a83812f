// The results: read while they change, printed, taken away, counted again, and shown on other sites.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { accessible, good, launch, look, open, PHONE, still, WIDE } from "./browser.mjs";
import { Server } from "./server.mjs";

let [browser, server] = [];
before(async () => { [browser, server] = await Promise.all([launch(), Server.start()]); });
after(async () => { await browser.close(); await server.stop(); });

const results = (poll, options = WIDE) => open(browser, `${poll.page}/results`, options);
const texts = (page, selector) => page.locator(selector).allTextContents();
const shows = (page, ...rows) => page.waitForFunction(
  (wanted) => [...document.querySelectorAll("#bars tr")].map((row) => `${row.querySelector(".name").textContent} ${row.querySelector(".votes").textContent}`).join() === wanted,
  rows.join());
const round = (poll, more = {}) => server.ask("POST", `/api/v1/polls/${poll.id}/rounds`, { open: true, ...more });
const range = (from, to) => Array.from({ length: to - from }, (_, at) => `v${from + at}`);

// Votes in two seconds at least, so that there is something to draw.
async function twoSeconds(poll, choice, name = "s") {
  await server.others(poll, choice, [`${name}1`]);
  // It was counted in this second or in an earlier one.
  const second = () => Math.floor(Date.now() / 1000);
  const counted = second();
  while (second() <= counted) await new Promise((done) => setTimeout(done, 100));
  await server.others(poll, choice, [`${name}2`]);
}

// Waits for the picture of votes that all may see: what is not made in time for one reader is there for the next.
async function drawn(poll) {
  while (!(await (await fetch(`${poll.page}/results`)).text()).includes('class="columns"'));
}

test("figures, order and status change under the reader's eyes, without a reload", async () => {
  const poll = await server.poll({ choices: ["Tea", "Coffee", "Water"] });
  const page = await results(poll);
  await page.locator("#line", { hasText: "Live" }).waitFor();
  await page.evaluate(() => { window.isSame = true; });
  await server.others(poll, "coffee", ["a", "b"]);
  await server.others(poll, "water", ["c"]);
  await shows(page, "Tea 0", "Coffee 2", "Water 1");
  assert.deepEqual(await texts(page, ".share"), ["0.0%", "66.7%", "33.3%"]);
  assert.equal(await page.locator("#voters").textContent(), "3 voters");
  assert.match(await page.locator("#version").textContent(), /\.4$/);
  await still(page);
  await server.act(poll, "close");
  await shows(page, "Coffee 2", "Water 1", "Tea 0");
  assert.equal(await page.locator("#tie").isVisible(), false);
  await server.act(poll, "reopen");
  await shows(page, "Tea 0", "Coffee 2", "Water 1");
  await server.others(poll, "water", ["d"]);
  await server.act(poll, "close");
  await page.locator("#tie").waitFor();
  assert.deepEqual(await texts(page, ".mark"), ["Tied", "Tied", ""]);
  assert.equal(await page.evaluate(() => window.isSame), true);
  await accessible(page, "results that have changed");
  good(page);
});

test("points, means and marks follow too", async () => {
  const poll = await server.poll({ method: "score" });
  const page = await results(poll);
  await page.locator("#line", { hasText: "Live" }).waitFor();
  for (const [voter, tea] of [["a", 5], ["b", 4]]) {
    await server.ask("POST", `/api/v1/polls/${poll.id}/votes`, { scores: { tea }, voter });
  }
  // Nobody gave Coffee any points, which is not the same as the worst ones.
  await shows(page, "Tea 9", "Coffee –");
  assert.deepEqual(await texts(page, ".share"), ["4.5", "–"]);
  assert.deepEqual(await texts(page, "[data-given]"), ["2", "0"]);
  good(page);
});

test("hidden until the reveal; then figures at once, and the picture and the files soon after", async () => {
  const poll = await server.poll({ visibility: "on_reveal" });
  const page = await results(poll);
  await page.locator("#hidden", { hasText: "reveals them" }).waitFor();
  await twoSeconds(poll, "tea");
  await server.act(poll, "close");
  await page.locator("#status", { hasText: "Closed" }).waitFor();
  assert.deepEqual(await texts(page, ".votes"), ["", ""]);
  assert.equal(await page.locator(".figure").first().isVisible(), false);
  assert.equal(await page.locator("#files, .columns").count(), 0);
  await server.act(poll, "reveal");
  await shows(page, "Tea 2", "Coffee 0");
  assert.equal(await page.locator("#hidden").isVisible(), false);
  await page.locator("#files").waitFor();
  await page.locator(".columns").waitFor();
  const told = await page.locator(".times [data-at]").first().textContent();
  // With the day where that has changed since the first vote.
  assert.match(told, /^(\d\d:\d\d:\d\d|\d+ \w+ \d{4}, \d\d:\d\d)$/, "in the reader's own zone");
  const picture = await page.locator("#chart-told").textContent();
  assert.match(picture, /^\d+ voters?, from \d+ \w+ \d{4} at \d\d:\d\d to /, "and so is the picture in words");
  good(page);
});

test("a picture that was behind is fetched again after the close, when nothing else changes", async () => {
  const poll = await server.poll();
  await twoSeconds(poll, "tea");
  await server.act(poll, "close");
  await drawn(poll);
  const page = await open(browser, "about:blank", WIDE);
  const asked = [];
  await page.route(`${poll.page}/results`, async (route) => {
    const answer = await route.fetch();
    const late = asked.push(route.request().url()) === 1 ? "<p data-late>late</p>" : "";
    await route.fulfill({ response: answer, body: (await answer.text()).replace('<section class="times"', `${late}$&`) });
  });
  await page.goto(`${poll.page}/results`);
  await page.locator("[data-late]").waitFor({ state: "detached" });
  await page.locator(".columns").waitFor();
  assert.equal(asked.length, 2);
  good(page);
});

test("a new round is drawn by itself, and the one before is kept", async () => {
  const poll = await server.poll();
  await server.others(poll, "tea", ["a"]);
  const page = await results(poll);
  await shows(page, "Tea 1", "Coffee 0");
  await server.act(poll, "close");
  await round(poll);
  await page.locator(".meta", { hasText: "Round 2" }).waitFor();
  await shows(page, "Tea 0", "Coffee 0");
  await page.getByRole("link", { name: "Round 1" }).click();
  await page.locator(".meta", { hasText: "Round 1" }).waitFor();
  await shows(page, "Tea 1", "Coffee 0");
  good(page);
});

test("what is taken away holds the same figures, and ballots count to them again", async () => {
  const poll = await server.poll({ title: "=1+1", choices: ["Tea", "-Coffee"], public_ballots: true });
  await server.others(poll, "tea", ["a", "b"]);
  await server.others(poll, "coffee", ["c"]);
  await server.act(poll, "close");
  await server.act(poll, "reveal");
  const page = await results(poll);
  const taken = async (name) => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name, exact: true }).click()]);
    return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()), path: await download.path() };
  };
  const csv = await taken("CSV");
  assert.equal(csv.name, `${poll.code}-round-1.csv`);
  assert.match(csv.bytes.toString(), /1,closed,3,0,coffee,'-Coffee,1,/);
  assert.equal((await taken("XLSX")).bytes.subarray(0, 2).toString(), "PK");
  const { choices } = JSON.parse((await taken("JSON")).bytes);
  assert.deepEqual(choices.map(({ votes }) => votes), [2, 1]);
  const table = (await taken("Ballots (CSV)")).bytes.toString().trim().split("\n").slice(1).map((line) => line.split(","));
  assert.deepEqual([0, 1].map((column) => table.filter((row) => row[column] === "1").length), [2, 1]);
  const ballots = await taken("Ballots (NDJSON)");
  assert.equal(ballots.name, `${poll.code}-round-1-ballots.ndjson`);
  const counted = ballots.bytes.toString().trim().split("\n").map((line) => JSON.parse(line).choices[0]).sort();
  assert.deepEqual(counted, ["coffee", "tea", "tea"]);
  assert.ok((await page.locator("#files ~ pre").first().textContent()).endsWith(ballots.name));
  good(page);
});

test("on paper there are the figures, and nothing to press", async () => {
  const poll = await server.poll();
  await twoSeconds(poll, "tea");
  await drawn(poll);
  const page = await results(poll, { ...WIDE, colorScheme: "dark" });
  await page.emulateMedia({ media: "print", colorScheme: "light" });
  for (const [selector, isThere] of [["#bars", true], [".columns", true], ["#about", true], [".foot", false], [".files", false], ["#line", false]]) {
    assert.equal(await page.locator(selector).isVisible(), isThere, selector);
  }
  const pdf = await page.pdf({ format: "A4", printBackground: true });
  assert.equal(pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length, 1, "one sheet");
  await page.screenshot({ path: new URL("screenshots/results-print.png", import.meta.url).pathname, fullPage: true });
});

test("in French the first of a month is called so, by scripts as by the server", async () => {
  const poll = await server.poll({ open: false, visibility: "on_reveal", opens_at: "2100-01-01T11:30:00Z" });
  const page = await open(browser, `${poll.page}/results?lang=fr`, { locale: "fr-FR" });
  await page.locator("[data-moment]", { hasText: /^Ouverture le 1er janvier 2100 à 12:30$/ }).waitFor();
  await page.close();
  const plain = await open(browser, `${poll.page}/results?lang=fr`, { javaScriptEnabled: false });
  assert.equal(await plain.locator("[data-moment]").textContent(), "Ouverture le 1er janvier 2100 à 11:30 UTC");
});

test("without scripts all of it can be read", async () => {
  const poll = await server.poll();
  await twoSeconds(poll, "tea");
  await drawn(poll);
  for (const place of ["results", "embed"]) {
    const page = await open(browser, `${poll.page}/${place}`, { ...PHONE, javaScriptEnabled: false });
    assert.deepEqual(await texts(page, ".votes"), ["2", "0"], place);
    assert.match(await page.locator("#voters").textContent(), /2 voters/);
    if (place === "results") {
      await page.locator("#chart-table summary").click();
      assert.equal(await page.locator("#chart-table tbody tr").last().locator("td").last().textContent(), "2");
    }
  }
});

// Another site, with pages of ours in frames.
async function elsewhere(addresses, headers = {}) {
  const frames = addresses.map((address) => `<iframe src="${address}" title="a frame" width="500" height="400"></iframe>`).join("");
  const site = createServer((_, response) => response.writeHead(200, { "content-type": "text/html", ...headers }).end(`<!doctype html><title>A site</title>${frames}`));
  await new Promise((done) => site.listen(0, "127.0.0.1", done));
  return site;
}

test("another site may frame the page that is made for it, which is live, leads to the poll, and keeps nothing", async () => {
  const poll = await server.poll();
  const site = await elsewhere([`${poll.page}/embed`]);
  const page = await open(browser, `http://127.0.0.1:${site.address().port}/`, WIDE);
  const frame = page.frameLocator("iframe");
  await frame.locator("h1", { hasText: "Tea or coffee?" }).waitFor();
  await server.others(poll, "tea", ["a", "b"]);
  await frame.locator(".votes", { hasText: "2" }).waitFor();
  assert.deepEqual(await page.context().cookies(), [], "nothing is kept in the browser");
  good(page);
  const [tab] = await Promise.all([page.context().waitForEvent("page"), frame.getByRole("link", { name: "Open the poll" }).click()]);
  await tab.waitForURL(poll.page);
  assert.equal(await tab.evaluate(() => window.opener), null);
  site.close();
});

test("no other page can be framed", async () => {
  const poll = await server.poll();
  const places = ["", "/results", "/screen", "/host"];
  const site = await elsewhere(places.map((place) => poll.page + place));
  const page = await open(browser, `http://127.0.0.1:${site.address().port}/`, WIDE);
  assert.equal(page.frames().length, 1 + places.length);
  for (const frame of page.frames().slice(1)) assert.equal(await frame.locator("#main").count(), 0);
  // What a browser says of a frame may come after the frame.
  const refused = () => page.wrong.filter((text) => text.includes("frame-ancestors 'none'")).length;
  while (refused() < places.length) await page.waitForEvent("console");
  assert.equal(refused(), places.length, String(page.wrong));
  site.close();
});

test("a site that takes only what agrees to be taken may frame it too", async () => {
  const poll = await server.poll();
  const site = await elsewhere([`${poll.page}/embed`], { "cross-origin-embedder-policy": "require-corp" });
  const page = await open(browser, `http://127.0.0.1:${site.address().port}/`, WIDE);
  const frame = page.frameLocator("iframe");
  await frame.locator("h1", { hasText: "Tea or coffee?" }).waitFor();
  await server.others(poll, "tea", ["a", "b"]);
  await frame.locator(".votes", { hasText: "2" }).waitFor();
  good(page);
  site.close();
});

test("a frame of hidden results says so, and shows them when they are revealed", async () => {
  const poll = await server.poll({ visibility: "on_reveal" });
  await server.others(poll, "tea", ["a"]);
  const page = await open(browser, `${poll.page}/embed`);
  await page.locator("#hidden", { hasText: "hidden for now" }).waitFor();
  assert.equal(await page.locator(".bars").isVisible(), false);
  await server.act(poll, "close");
  await server.act(poll, "reveal");
  await page.locator(".votes", { hasText: "1" }).waitFor();
  assert.equal(await page.locator("#hidden").isVisible(), false);
  good(page);
});

test("the results in each state", async () => {
  const festival = {
    title: "Where shall the summer festival be held?",
    choices: ["The old harbour", "City park", "Market square, if the fountains are finished in time", "Cancel it"],
  };
  const phone = [["phone", PHONE]];
  const page = (name, poll, prepare, shapes) => look(browser, `results-${name}`, `${poll.page}/results`, prepare, shapes);
  const both = async (name, poll, prepare) => {
    await page(name, poll, prepare);
    await look(browser, `embed-${name}`, `${poll.page}/embed`, undefined, phone);
  };
  const tables = async (page) => { for (const more of await page.locator("details > summary").all()) await more.click(); };
  const poll = await server.poll({ ...festival, public_ballots: true });
  await page("none", poll, undefined, phone);
  await server.others(poll, "the-old-harbour", range(0, 23));
  await twoSeconds(poll, "city-park");
  await drawn(poll);
  await both("open", poll, tables);
  await look(browser, "results-french", `${poll.page}/results?lang=fr`, tables, phone);
  await server.act(poll, "close");
  await server.act(poll, "reveal");
  await page("closed", poll);
  await round(poll);
  await page("rounds", poll, undefined, phone);
  const hidden = await server.poll({ ...festival, visibility: "after_close", closes_at: "2100-01-10T18:00:00Z" });
  await both("hidden", hidden);
  const tie = await server.poll({ ...festival, accent: "#2e7d32", method: "approval", min: 0 });
  for (const voter of range(0, 3)) await server.ask("POST", `/api/v1/polls/${tie.id}/votes`, { choices: ["city-park", "cancel-it"], voter });
  await server.act(tie, "close");
  await both("tie", tie);
  const many = await server.poll({ title: "Which of these?", method: "score", choices: Array.from({ length: 20 }, (_, at) => (at % 4 ? `Candidate ${at}` : `Candidate ${at}, whose name is longer than any line of a phone can be, and then some`)) });
  const scores = Object.fromEntries(many.contest.choices.map(({ code }, at) => [code, at % 6]));
  for (const voter of range(0, 12)) await server.ask("POST", `/api/v1/polls/${many.id}/votes`, { scores, voter });
  await page("many", many);
});
