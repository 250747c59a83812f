// Phones vote: what they see, what is counted, and what no loss of line may do.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { good, launch, open, still } from "./browser.mjs";
import { Server } from "./server.mjs";

let [browser, server] = [];
before(async () => { [browser, server] = await Promise.all([launch(), Server.start()]); });
after(async () => { await browser.close(); await server.stop(); });

const choice = (page, title) => page.locator("#paper .title", { hasText: new RegExp(`^${title}$`) });
const choose = (page, title) => choice(page, title).tap();
const vote = (page) => page.locator("#vote").tap();
const says = (page, text) => page.locator("#own-text").filter({ hasText: text }).waitFor();
const counted = (page) => page.locator("#own-state").filter({ hasText: "Counted" }).waitFor();

async function totals(poll) {
  const { ballots, choices } = await server.results(poll);
  return [ballots, ...choices.map((choice) => choice.votes)];
}

test("three phones vote, one changes, the close is told, and nothing jumps", async () => {
  const poll = await server.poll({ change: "until_close" });
  const phones = await Promise.all([1, 2, 3].map(() => open(browser, poll.page)));
  for (const [at, phone] of phones.entries()) {
    await choose(phone, at === 2 ? "Coffee" : "Tea");
    await vote(phone);
    await says(phone, at === 2 ? "You voted for Coffee." : "You voted for Tea.");
    await counted(phone);
  }
  assert.deepEqual(await totals(poll), [3, 2, 1]);
  const [first] = phones;
  await first.locator("#voters", { hasText: "3 voters" }).waitFor();
  await first.locator("#change").tap();
  await choose(first, "Coffee");
  await vote(first);
  await says(first, "You voted for Coffee.");
  await counted(first);
  assert.deepEqual(await totals(poll), [3, 1, 2]);
  await first.reload();
  await says(first, "You voted for Coffee.");
  await server.act(poll, "close");
  for (const phone of phones) {
    await phone.locator("#over", { hasText: "Your vote was counted" }).waitFor();
    assert.equal(await phone.locator("#change").isVisible(), false);
    good(phone);
  }
});

test("a choice is not reset because others vote, pause and resume", async () => {
  const poll = await server.poll();
  const phone = await open(browser, poll.page);
  await choose(phone, "Coffee");
  await server.others(poll, "tea", ["a", "b", "c"]);
  await server.act(poll, "pause");
  await phone.locator("#paused").waitFor();
  assert.equal(await phone.locator("#vote").isDisabled(), true);
  await server.act(poll, "open");
  await phone.locator("#vote:not([disabled])").waitFor();
  assert.equal(await phone.getByLabel("Coffee").isChecked(), true);
  // A choice that was not sent yet lives through a reload.
  await phone.reload();
  assert.equal(await phone.getByLabel("Coffee").isChecked(), true);
  await vote(phone);
  await counted(phone);
  assert.deepEqual(await totals(poll), [4, 3, 1]);
  good(phone);
});

test("nothing jumps while a page loads and others vote, and no task blocks a thumb", async () => {
  const blocked = [];
  // A machine with other work makes any task long at times: what the page itself takes too long for, it does each time.
  while (blocked.length < 10 && blocked.at(-1) !== 0) {
    const poll = await server.poll({ accent: "#c2185b" });
    const phone = await open(browser, poll.page);
    await phone.waitForLoadState("load");
    await server.others(poll, "tea", ["a", "b", "c", "d"]);
    await choose(phone, "Tea");
    await vote(phone);
    await phone.locator("#voters", { hasText: "5 voters" }).waitFor();
    await server.others(poll, "coffee", ["e", "f"]);
    await phone.locator("#voters", { hasText: "7 voters" }).waitFor();
    await still(phone);
    blocked.push(await phone.evaluate(() => window.longTasks.filter((ms) => ms > 50).length));
    await phone.context().close();
  }
  assert.equal(blocked.at(-1), 0, `tasks that were too long: ${blocked}`);
});

test("a double tap is one vote", async () => {
  const poll = await server.poll();
  const phone = await open(browser, poll.page);
  await choose(phone, "Tea");
  await phone.evaluate(() => { for (let tap = 0; tap < 5; tap += 1) document.getElementById("vote").click(); });
  await counted(phone);
  assert.deepEqual(await totals(poll), [1, 1, 0]);
  good(phone);
});

test("an answer that is lost is asked for again, and counted once", async () => {
  const poll = await server.poll();
  const phone = await open(browser, poll.page);
  let [sent, isTold] = [0, false];
  const names = new Set();
  await phone.route("**/votes", async (route) => {
    sent += 1;
    names.add(route.request().postDataJSON().id);
    // The vote arrives, and its answer does not.
    await route.fetch();
    if (sent < 3 || !isTold) await route.abort("connectionreset");
    else await route.continue();
  });
  await choose(phone, "Tea");
  await vote(phone);
  await phone.locator("#own-state", { hasText: "not yet confirmed" }).waitFor();
  isTold = true;
  await counted(phone);
  assert.ok(sent >= 3);
  assert.deepEqual([names.size, names.has(undefined)], [1, false], "one vote has one name, however often it is sent");
  assert.deepEqual(await totals(poll), [1, 1, 0]);
});

test("offline while voting, reloaded, and back: counted once", async () => {
  const poll = await server.poll();
  const phone = await open(browser, poll.page);
  await choose(phone, "Coffee");
  await phone.context().setOffline(true);
  await vote(phone);
  await says(phone, "You voted for Coffee.");
  await phone.locator("#own-state", { hasText: "You are offline" }).waitFor();
  assert.deepEqual(await totals(poll), [0, 0, 0]);
  await phone.context().setOffline(false);
  await counted(phone);
  assert.deepEqual(await totals(poll), [1, 0, 1]);

  // The page goes away while the vote is on its way.
  const other = await open(browser, poll.page);
  await other.route("**/votes", (route) => route.abort());
  await choose(other, "Tea");
  await vote(other);
  await other.locator("#own-state", { hasText: "not yet confirmed" }).waitFor();
  await other.unroute("**/votes");
  await other.reload();
  await says(other, "You voted for Tea.");
  await counted(other);
  assert.deepEqual(await totals(poll), [2, 1, 1]);
});

test("the server is killed under a vote and comes back: counted once", async () => {
  const poll = await server.poll();
  const [phone, quiet] = [await open(browser, poll.page), await open(browser, poll.page)];
  await choose(phone, "Tea");
  await server.kill();
  await vote(phone);
  await phone.locator("#own-state", { hasText: "not yet confirmed" }).waitFor();
  await quiet.locator("#line", { hasText: "No connection" }).waitFor();
  await server.again();
  await counted(phone);
  await quiet.locator("#line", { hasText: /^$/ }).waitFor({ state: "attached" });
  await choose(quiet, "Coffee");
  await vote(quiet);
  await counted(quiet);
  assert.deepEqual(await totals(poll), [2, 1, 1]);
  await phone.locator("#voters", { hasText: "2 voters" }).waitFor();
});

test("a page waits, opens by itself, and shows a new round", async () => {
  const poll = await server.poll({ open: false });
  const phone = await open(browser, poll.page);
  await phone.locator("#waiting").waitFor();
  await server.act(poll, "open");
  await choose(phone, "Tea");
  await vote(phone);
  await counted(phone);
  await server.act(poll, "close");
  await server.ask("POST", `/api/v1/polls/${poll.id}/rounds`, { open: true });
  await phone.locator(".meta", { hasText: "Round 2" }).waitFor();
  await choose(phone, "Coffee");
  await vote(phone);
  await says(phone, "You voted for Coffee.");
  await counted(phone);
  assert.deepEqual(await totals(poll), [1, 0, 1]);
  good(phone);
});

test("results come after the own vote where they come to voters, and stay hidden where they do not", async () => {
  for (const [visibility, shows] of [["after_vote", true], ["always", true], ["on_reveal", false], ["after_close", false]]) {
    const poll = await server.poll({ visibility });
    await server.others(poll, "tea", ["a", "b"]);
    const phone = await open(browser, poll.page);
    assert.equal(await phone.locator("#results").isVisible(), false, visibility);
    await choose(phone, "Tea");
    await vote(phone);
    await counted(phone);
    if (shows) await phone.locator("#results .votes", { hasText: "3" }).waitFor();
    else {
      assert.equal(await phone.locator("#results").isVisible(), false, visibility);
      assert.equal((await phone.content()).includes("in the record</p>"), false, "no place in the record is told");
      await server.act(poll, visibility === "on_reveal" ? "reveal" : "close");
      await phone.locator("#results .votes", { hasText: "3" }).waitFor();
    }
    await phone.context().close();
  }
});

test("what is refused is said in words, and what counts is shown", async () => {
  const poll = await server.poll();
  const context = await open(browser, poll.page);
  const second = await context.context().newPage();
  await second.goto(poll.page);
  await second.route("**/stream", (route) => route.abort());
  await choose(context, "Tea");
  // Both tabs are open before either votes.
  await choice(second, "Coffee").click();
  await vote(context);
  await counted(context);
  if (await second.locator("#paper").isVisible()) await second.locator("#vote").click().catch(() => {});
  await says(second, "You voted for Tea.");
  assert.deepEqual(await totals(poll), [1, 1, 0]);

  const late = await open(browser, poll.page);
  await choose(late, "Coffee");
  await late.route("**/stream", (route) => route.abort());
  await late.evaluate(() => { window.held = true; });
  await server.act(poll, "close");
  const body = { choices: ["coffee"] };
  const status = await late.evaluate(async ([path, sent]) => (await fetch(path, { method: "POST", body: JSON.stringify(sent) })).status, [`/api/v1/polls/${poll.id}/votes`, body]);
  assert.equal(status, 409);
});

test("what was refused is said once, by the browser that sent it, and by no address", async () => {
  const poll = await server.poll();
  const late = await open(browser, poll.page);
  await choose(late, "Coffee");
  // It has not heard of the close.
  await late.route("**/stream", (route) => route.abort());
  await late.reload();
  await server.act(poll, "close");
  await vote(late);
  await late.locator("#said", { hasText: "Voting closed before your vote arrived" }).waitFor();
  assert.equal(late.url(), poll.page);
  for (const address of [poll.page, `${poll.page}?said=contest_closed`, `${poll.page}?said=counted`]) {
    await late.goto(address);
    await late.locator("#over", { hasText: "This device did not vote" }).waitFor();
    assert.equal(await late.locator("#said").isVisible(), false, address);
  }
  good(late);
});

test("the keyboard alone votes and changes", async () => {
  const poll = await server.poll({ change: "until_close" });
  const page = await open(browser, poll.page, { viewport: { width: 1000, height: 800 } });
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
  await press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await press("Tab", "Space", "ArrowDown", "Enter");
  await says(page, "You voted for Coffee.");
  await counted(page);
  assert.equal(await page.evaluate(() => document.activeElement.id), "own-text", "what was voted is what is read next");
  await press("Tab", "Enter", "ArrowUp", "Tab", "Enter");
  await says(page, "You voted for Tea.");
  await counted(page);
  assert.deepEqual(await totals(poll), [1, 1, 0]);
});

test("a vote that was kept while its round closed is told that a new one has begun", async () => {
  const poll = await server.poll();
  const phone = await open(browser, poll.page);
  await phone.context().setOffline(true);
  await choose(phone, "Tea");
  await vote(phone);
  await server.act(poll, "close");
  await server.ask("POST", `/api/v1/polls/${poll.id}/rounds`, { open: true });
  await phone.context().setOffline(false);
  await phone.locator("#said", { hasText: "A new round has begun. Here is its ballot." }).waitFor();
  await phone.locator(".meta", { hasText: "Round 2" }).waitFor();
  assert.deepEqual(await totals(poll), [0, 0, 0]);
});

test("scores, likes and several choices are sent as they were marked", async () => {
  const approval = await server.poll({ choices: ["A", "B", "C"], method: "approval", min: 1, max: 2 });
  const phone = await open(browser, approval.page);
  await vote(phone);
  await phone.locator("#wrong", { hasText: "Choose more" }).waitFor();
  for (const title of ["A", "B", "C"]) await choose(phone, title);
  await vote(phone);
  await phone.locator("#wrong", { hasText: "too many" }).waitFor();
  await choose(phone, "C");
  await vote(phone);
  await says(phone, "You voted for A and B.");
  await counted(phone);
  assert.deepEqual(await totals(approval), [1, 1, 1, 0]);

  const scale = await server.poll({ method: "score" });
  const scored = await open(browser, scale.page);
  await vote(scored);
  await scored.locator("#wrong", { hasText: "Give points to at least one choice" }).waitFor();
  await scored.getByRole("group", { name: "Tea" }).getByRole("radio", { name: "4" }).tap();
  await vote(scored);
  await says(scored, "Your points: Tea 4.");
  await counted(scored);
  // Nobody rated the other one, which is not the same as the worst mark.
  await scored.locator("#bars .votes", { hasText: "–" }).waitFor();

  const likes = await server.poll({ method: "score", max: 1 });
  const liker = await open(browser, likes.page);
  await choose(liker, "Coffee");
  await vote(liker);
  await says(liker, "You voted for Coffee.");
  await counted(liker);
  const { choices } = await server.results(likes);
  assert.deepEqual(choices.map((choice) => [choice.votes, choice.points]), [[1, 0], [1, 1]]);
});

test("without scripts a form votes, and says so", async () => {
  const poll = await server.poll({ change: "until_close" });
  const page = await open(browser, poll.page, { viewport: { width: 390, height: 844 }, javaScriptEnabled: false });
  await choice(page, "Tea").click();
  await page.locator("#vote").click();
  await says(page, "You voted for Tea.");
  await page.locator("#change").click();
  await choice(page, "Coffee").click();
  await page.locator("#vote").click();
  await says(page, "You voted for Coffee.");
  assert.deepEqual(await totals(poll), [1, 0, 1]);
});

test("a page that was frozen in the pocket catches up", async () => {
  const poll = await server.poll();
  const phone = await open(browser, poll.page);
  await choose(phone, "Tea");
  await vote(phone);
  await counted(phone);
  const session = await phone.context().newCDPSession(phone);
  await session.send("Page.setWebLifecycleState", { state: "frozen" });
  await server.others(poll, "coffee", ["a", "b"]);
  await server.act(poll, "close");
  await session.send("Page.setWebLifecycleState", { state: "active" });
  await phone.locator("#over").waitFor();
  await phone.locator("#voters", { hasText: "3 voters" }).waitFor();
});
