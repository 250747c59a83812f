// The console, and what only a host's browser can do: alone, and while somebody else presses too.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { good, launch, open, PHONE, WIDE } from "./browser.mjs";
import { founder, invited, joins, made, PASSWORD } from "./people.mjs";
import { Server } from "./server.mjs";

let [browser, server, ada, olga] = [];
before(async () => {
  [browser, server] = await Promise.all([launch(), Server.start()]);
  ada = await founder(server);
  olga = await invited(server, ada, "olga");
});
after(async () => { await browser.close(); await server.stop(); });

const host = (poll, person, shape = WIDE) => open(browser, poll.console, { ...shape, ...person.state });
// The buttons of the console, the big one first. The words about a status may be newer than the page: the buttons come last.
const offers = (page, ...names) => page.waitForFunction(
  (wanted) => [...document.querySelectorAll(".now .big")].map((found) => found.textContent.trim()).join() === wanted, names.join());
const stands = (page, status) => page.locator("#status", { hasText: new RegExp(`^${status}$`) }).waitFor();
const live = (page) => page.locator("#line", { hasText: "Live" }).waitFor();

// Presses a button of the console; where it asks, asks it and leaves the yes.
const ask = (page, name) => page.locator("summary", { hasText: name }).click();
const yes = (page, name) => page.getByRole("button", { name: `Yes: ${name}` }).click();
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

// Makes a page deaf: it shows what it knows, as on a line that has just died.
async function deafen(page) {
  await page.route("**/stream*", (route) => route.abort());
  await page.reload();
}
const hears = (page) => page.unroute("**/stream*");

test("the big button is always the next right thing, from the opening to a new round", async () => {
  const poll = await made(server, olga, { visibility: "on_reveal" });
  const desk = await host(poll, olga, PHONE);
  const phone = await open(browser, poll.page);
  await offers(desk, "Open voting");
  await press(desk, "Open voting");
  await stands(desk, "Open");
  await offers(desk, "Close voting", "Pause", "Show the results to all");
  await phone.locator("#vote:not([disabled])").waitFor();
  await press(desk, "Pause");
  await stands(desk, "Paused");
  await offers(desk, "Go on voting", "Close voting");
  await phone.locator("#vote[disabled]").waitFor();
  await press(desk, "Go on voting");
  await stands(desk, "Open");
  await offers(desk, "Close voting", "Pause", "Show the results to all");
  await phone.locator("#paper .title", { hasText: "Tea" }).tap();
  await phone.locator("#vote:not([disabled])").tap();
  await phone.locator("#own-state", { hasText: "Counted" }).waitFor();
  await desk.locator(".votes", { hasText: "1" }).waitFor();
  await desk.locator("#hides", { hasText: "Hidden from others" }).waitFor();

  // Nothing is closed by a single tap.
  await ask(desk, "Close voting");
  await stands(desk, "Open");
  await yes(desk, "Close voting");
  await stands(desk, "Closed");
  await offers(desk, "Show the results to all", "Undo the close", "Begin a new round");
  await press(desk, "Undo the close");
  await stands(desk, "Open");
  await offers(desk, "Close voting", "Pause", "Show the results to all");
  await phone.locator("#status", { hasText: /^Open$/ }).waitFor();
  await ask(desk, "Close voting");
  await yes(desk, "Close voting");
  await stands(desk, "Closed");
  await offers(desk, "Show the results to all", "Undo the close", "Begin a new round");
  await ask(desk, "Show the results to all");
  await yes(desk, "Show the results to all");
  await phone.locator("#results .votes", { hasText: "1" }).waitFor();
  await offers(desk, "Begin a new round");
  await ask(desk, "Begin a new round");
  await yes(desk, "Begin a new round");
  await desk.locator(".meta", { hasText: "Round 2" }).waitFor();
  await press(desk, "Open voting");
  await phone.locator(".meta", { hasText: "Round 2" }).waitFor();
  await phone.locator("#vote:not([disabled])").waitFor();
  const first = await server.ask("GET", `/api/v1/polls/${poll.id}/results?round=1`);
  assert.deepEqual(first.choices.map((choice) => choice.votes), [1, 0], "the first round stays");
  good(desk);
  good(phone);
});

test("an earlier round that nobody showed is shown from its list, and by R, to all who look at it", async () => {
  const poll = await made(server, olga, { visibility: "on_reveal" });
  for (const choice of ["tea", "coffee"]) {
    await server.act(poll, "open");
    await server.others(poll, choice, ["vera a", "vera b"]);
    await server.act(poll, "close");
    await server.act(poll, "rounds");
  }
  await server.act(poll, "open");
  const anybody = (path) => open(browser, `${poll.page}/${path}`, WIDE);
  const [hall, later, reader, phone] = await Promise.all([
    anybody("screen?round=1"), anybody("screen"), anybody("results?round=1"), open(browser, poll.page),
  ]);
  const desk = await host(poll, olga, PHONE);
  await live(desk);
  const row = desk.locator(".earlier li", { hasText: "Round 1" });
  await row.filter({ hasText: "2 voters" }).filter({ hasText: "Hidden from others" }).waitFor();
  const words = "Show the results of round 1 to all";
  await ask(desk, words);
  await row.getByText("This cannot be undone").waitFor();
  await yes(desk, words);
  await row.filter({ hasText: "Shown to all" }).waitFor();
  assert.equal(await desk.locator("summary", { hasText: words }).count(), 0);
  await desk.locator("summary", { hasText: "Show the results of round 2 to all" }).waitFor();
  // Whoever looks at it sees it without a touch; whoever looks at the latest round sees nothing new.
  for (const page of [hall, reader]) await page.locator(".votes", { hasText: "2" }).first().waitFor();
  assert.deepEqual(await later.locator(".votes").allTextContents(), ["", ""]);
  await later.locator("#veil", { hasText: "hidden" }).waitFor();
  await phone.locator("#vote:not([disabled])").waitFor();

  // On a host's screen R shows the round that the hall looks at.
  const own = await open(browser, `${poll.page}/screen?round=2`, { ...WIDE, ...olga.state });
  await own.keyboard.press("r");
  await own.locator("#reveal-yes").click();
  await own.locator(".votes", { hasText: "2" }).first().waitFor();
  const latest = await server.ask("GET", `/api/v1/polls/${poll.id}`);
  assert.equal(latest.status, "open");
  assert.equal((await (await fetch(`${server.url}/api/v1/polls/${poll.id}/results`)).json()).hidden, true, "the latest round stays hidden");
  for (const page of [desk, hall, later, reader, phone, own]) good(page);
});

test("a round that is shown while its screen looks, or that a node has not heard of yet, comes to it all the same", async () => {
  for (const first of ["old", "none"]) {
    const poll = await made(server, olga, { visibility: "on_reveal" });
    await server.act(poll, "open");
    await server.others(poll, "tea", ["vera a", "vera b"]);
    await server.act(poll, "close");
    await server.act(poll, "rounds", { open: true });
    const hall = await open(browser, `${poll.page}/screen`, WIDE);
    // What its stream has told it, before the page does anything about it.
    await hall.addInitScript(() => {
      window.heard = [];
      window.EventSource = class extends EventSource {
        constructor(address) {
          super(address);
          this.addEventListener("results", ({ lastEventId }) => window.heard.push(lastEventId));
        }
      };
    });
    const reveal = () => server.act(poll, "reveal", { round: 1 });
    const heard = (events) => hall.waitForFunction((wanted) => window.heard.length >= wanted, events);
    let looked = 0;
    await hall.route("**/results?round=1*", async (route) => {
      looked += 1;
      if (looked > 1) return route.continue();
      const wanted = new URL(route.request().url()).searchParams.get("min_version");
      assert.deepEqual(await hall.evaluate(() => window.heard), [wanted], "no answer is older than what it was told");
      if (first === "none") return route.fulfill({ status: 503, contentType: "application/problem+json", body: "{}" });
      const response = await route.fetch();
      await reveal();
      await heard(2);
      await route.fulfill({ response });
    });
    await hall.goto(`${poll.page}/screen?round=1`);
    await live(hall);
    await (first === "old" ? server.act(poll, "pause") : reveal());
    await hall.locator(".votes", { hasText: "2" }).first().waitFor();
    assert.equal(looked, 2, first);
    good(hall);
  }
});

test("two hosts press the same and different buttons: both see what is, and nobody an error", async () => {
  const poll = await made(server, olga, { visibility: "on_reveal" });
  await joins(server, olga, poll, ada, "co_host");
  const [one, other] = await Promise.all([host(poll, olga), host(poll, ada, PHONE)]);
  await Promise.all([live(one), live(other)]);

  // What one does, the other's page shows by itself.
  await press(one, "Open voting");
  await Promise.all([stands(one, "Open"), stands(other, "Open")]);
  await offers(other, "Close voting", "Pause", "Show the results to all");

  // Both press the same at once, and one again who has not heard yet.
  await Promise.all([deafen(one), deafen(other)]);
  await Promise.all([press(one, "Pause"), press(other, "Pause")]);
  await Promise.all([offers(one, "Go on voting", "Close voting"), offers(other, "Go on voting", "Close voting")]);
  await press(one, "Go on voting");
  await stands(one, "Open");
  await stands(other, "Paused");
  await press(other, "Go on voting");
  await stands(other, "Open");
  for (const page of [one, other]) assert.equal(await page.locator(".notice.bad").count(), 0);

  // Different ones: a close that one is about to say yes to, while the other has closed and shown the results already.
  await ask(other, "Close voting");
  await ask(one, "Close voting");
  await yes(one, "Close voting");
  await stands(one, "Closed");
  await ask(one, "Show the results to all");
  await yes(one, "Show the results to all");
  await offers(one, "Begin a new round");
  await yes(other, "Close voting");
  await stands(other, "Closed");
  assert.equal(await other.locator(".notice.bad").count(), 0, "what is so already is no error");

  // One that is not possible any more is said, with what is.
  await hears(other);
  const closed = await made(server, olga, { visibility: "on_reveal" });
  await joins(server, olga, closed, ada, "co_host");
  await server.act(closed, "open");
  await other.goto(closed.console);
  await deafen(other);
  await server.act(closed, "close");
  await press(other, "Pause");
  await other.locator(".notice.bad", { hasText: "Somebody else was faster: it is as you see it now." }).waitFor();
  await stands(other, "Closed");
  await offers(other, "Show the results to all", "Undo the close", "Begin a new round");
  good(one);
});

test("a page is not drawn again under the hands of who is about to say yes", async () => {
  const poll = await made(server, olga);
  await server.act(poll, "open");
  const desk = await host(poll, olga);
  await live(desk);
  await ask(desk, "Close voting");
  await server.act(poll, "pause");
  await stands(desk, "Paused");
  await desk.getByRole("button", { name: "Yes: Close voting" }).waitFor();
  // Who thinks better of it gets the page as it is.
  await ask(desk, "Close voting");
  await offers(desk, "Go on voting", "Close voting");
  good(desk);
});

test("R on the screen asks once and reveals, in a host's browser only, and the full screen stays", async () => {
  const poll = await made(server, olga, { visibility: "on_reveal" });
  const screen = (options = {}) => open(browser, `${poll.page}/screen`, { ...WIDE, ...options });
  const [own, hall] = [await screen(olga.state), await screen()];
  await own.keyboard.press("r");
  assert.equal(await own.locator("#reveal").isVisible(), false, "there is nothing to reveal in a draft");
  await server.act(poll, "open");
  await server.others(poll, "tea", ["a", "b"]);
  // Both are drawn again when voting opens.
  for (const page of [own, hall]) {
    await stands(page, "Open");
    await live(page);
  }
  await own.locator("button[data-reveals]").waitFor();

  await hall.keyboard.press("r");
  assert.equal(await hall.locator("#reveal").count(), 0);
  await hall.keyboard.press("?");
  await hall.locator("#keys", { hasText: "Full screen" }).waitFor();
  assert.equal(await hall.locator("#keys kbd", { hasText: "R" }).count(), 0, "the list of keys tells it to hosts only");

  await own.keyboard.press("?");
  await own.locator("#keys kbd", { hasText: "R" }).waitFor();
  await own.keyboard.press("Escape");
  await own.keyboard.press("f");
  await own.waitForFunction(() => document.fullscreenElement !== null);
  await own.keyboard.press("r");
  await own.locator("#reveal", { hasText: "This cannot be undone" }).waitFor();
  assert.deepEqual(await own.locator(".votes").allTextContents(), ["", ""], "it asks first");
  await own.keyboard.press("r");
  await own.locator("#reveal").waitFor({ state: "hidden" });

  // A line that is lost is said, and nothing is shown that is not so.
  await own.keyboard.press("r");
  await own.route("**/reveal", (route) => route.abort());
  await own.keyboard.press("Enter");
  await own.locator("#reveal-wrong", { hasText: "try again" }).waitFor();
  await own.unroute("**/reveal");
  await own.locator("#reveal-yes").click();
  for (const page of [own, hall]) await page.locator(".votes", { hasText: "2" }).waitFor();
  await own.locator("#reveal").waitFor({ state: "hidden" });
  assert.equal(await own.evaluate(() => document.fullscreenElement !== null), true);
  assert.equal(await own.locator("button[data-reveals]").isVisible(), false);
  await own.keyboard.press("r");
  assert.equal(await own.locator("#reveal").isVisible(), false, "there is nothing left to reveal");
  good(own);
  good(hall);
});

test("who is signed in no more signs in, and is where they were", async () => {
  const carl = await invited(server, ada, "carl");
  const poll = await made(server, carl, { visibility: "on_reveal" });
  await server.act(poll, "open");
  await server.act(poll, "close");
  await server.act(poll, "rounds", { open: true });
  const first = `${poll.page}/screen?round=1`;
  const [desk, screen] = [await host(poll, carl), await open(browser, first, { ...WIDE, ...carl.state })];
  const signOut = () => fetch(`${server.url}/logout`, { method: "POST", headers: { origin: server.url, cookie: carl.cookie }, redirect: "manual" });
  await signOut();
  const signIn = async (page) => {
    await page.getByLabel("Login name").fill("carl");
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
  };
  await press(desk, "Pause");
  await desk.waitForURL("**/login?next=*");
  await signIn(desk);
  await desk.waitForURL(poll.console);
  await stands(desk, "Open");
  await screen.keyboard.press("r");
  await screen.locator("#reveal-yes").click();
  await screen.waitForURL("**/login?next=*");
  await signIn(screen);
  await screen.waitForURL(first);
  await screen.keyboard.press("r");
  await screen.locator("#reveal", { hasText: "the results of round 1, and of no other one" }).waitFor();
  await screen.locator("#reveal-yes").click();
  await screen.locator(".votes", { hasText: "0" }).first().waitFor();
  assert.equal((await (await fetch(`${server.url}/api/v1/polls/${poll.id}/results`)).json()).hidden, true, "the latest round stays hidden");
  good(screen);
});
