// Pages that were left open of a poll that is removed: they say so, and ask no more.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, as, good, look, open, phone, PHONE, wide, WIDE } from "./browser.mjs";
import { draft } from "./festival.mjs";
import { opened } from "./people.mjs";

let [browser, server, , olga] = [];
before(async () => { [browser, server, , olga] = await opened(); });
after(async () => { await browser.close(); await server.stop(); });

const GONE = "This poll is no longer there: it was removed.";

// The console of a poll that was removed has nothing left that could be pressed, and says why where the buttons were.
async function nothingToDo(page) {
  await page.locator("#gone", { hasText: GONE }).waitFor();
  assert.equal(await page.locator("main").locator("button, form, input, summary, nav").count(), 0);
  assert.deepEqual(await page.locator("main a").allTextContents(), ["My polls"]);
}

test("every page of a poll that was removed says so where screen readers hear it, and stops asking", async () => {
  const poll = await draft(server, olga);
  await server.act(poll, "open");
  await server.act(poll, "close");
  await server.act(poll, "rounds", { open: true });
  const pages = await Promise.all([
    ["", "#said", PHONE], ["/screen", "#line", WIDE], ["/screen?round=1", "#line", WIDE], ["/results", "#line", WIDE],
    ["/embed", "#line", PHONE], ["/host", "#line", { ...WIDE, ...olga.state }],
  ].map(async ([path, place, shape]) => {
    const page = await open(browser, poll.page + path, shape);
    await page.clock.install();
    await page.reload();
    await page.locator("#title, h1", { hasText: poll.title }).waitFor();
    return [path, place, page];
  }));
  await server.remove(poll);
  await Promise.all(pages.map(async ([path, place, page]) => {
    await page.locator(`${place}[role=status]`, { hasText: GONE }).waitFor();
    assert.equal(await page.locator("#paper").isVisible(), false, "there is nothing to vote in");
    if (path === "/host") await nothingToDo(page);
    // Whatever would make a page look at once makes this one do nothing.
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.evaluate(() => {
      dispatchEvent(new Event("online"));
      document.dispatchEvent(new Event("visibilitychange"));
    });
    // Past the longest pause of any script; and whatever was asked until then is heard of before the last question.
    await page.clock.runFor(60_000);
    const last = `${server.url}/last`;
    await Promise.all([page.waitForRequest(last), page.evaluate(async (address) => { await fetch(address); }, last)]);
    assert.deepEqual(asked, [last], path);
    await accessible(page, `gone${path}`);
    good(page);
  }));
});

test("a proxy that finds no server, or a node that is behind for a moment, ends no page", async () => {
  const poll = await server.poll();
  const page = await open(browser, poll.page, PHONE);
  const answers = [
    // Four in all: the pauses between them grow, to 15 seconds together and by chance 22.
    { status: 404, contentType: "text/html", body: "<h1>404</h1>" },
    { status: 404, contentType: "application/problem+json", body: JSON.stringify({ code: "unknown_election" }) },
    ...Array(2).fill({ status: 404, contentType: "application/problem+json", body: JSON.stringify({ code: "unknown_poll" }) }),
  ];
  // Each is given to a stream that begins, and to the question after it.
  let [begun, asked] = [0, 0];
  await page.route("**/stream*", async (route) => {
    const isStream = route.request().headers().accept === "text/event-stream";
    const answer = answers[isStream ? begun : asked];
    if (isStream) begun += 1;
    else asked += 1;
    await (answer ? route.fulfill(answer) : route.continue());
  });
  await page.reload();
  await page.locator("#line", { hasText: "No connection" }).waitFor();
  await page.locator("#line", { hasText: /^$/ }).waitFor({ state: "attached" });
  assert.ok(begun > answers.length && asked >= answers.length, `${begun} begun, ${asked} asked`);
  assert.equal(await page.locator("#said").isVisible(), false);
  await page.locator("#paper .title", { hasText: "Tea" }).tap();
  await page.locator("#vote").tap();
  await page.locator("#own-state", { hasText: "Counted" }).waitFor();
  await server.others(poll, "coffee", ["a"]);
  await page.locator("#voters", { hasText: "2 voters" }).waitFor();
  good(page);
});

test("a console that lost its line goes on where it was", async () => {
  const poll = await draft(server, olga);
  await server.act(poll, "open");
  const page = await open(browser, poll.console, { ...WIDE, ...olga.state });
  await page.locator("#line", { hasText: "Live" }).waitFor();
  await server.others(poll, "city-park", ["a"]);
  await page.locator("#voters", { hasText: "1 voter" }).waitFor();
  await server.kill();
  await page.locator("#line", { hasText: "The line is lost" }).waitFor();
  await server.again();
  await page.locator("#line", { hasText: "Live" }).waitFor();
  // As when a laptop is opened again: it begins anew with the version that it has seen.
  const [begun] = await Promise.all([page.waitForResponse("**/stream?*"), page.evaluate(() => dispatchEvent(new Event("online")))]);
  assert.equal(begun.status(), 200, begun.url());
  await server.others(poll, "city-park", ["b"]);
  await page.locator("#voters", { hasText: "2 voters" }).waitFor();
  good(page);
});

test("a host whose poll is removed under the hands loses the buttons, and is told so by what is pressed too late", async () => {
  const poll = await draft(server, olga);
  await server.act(poll, "open");
  const page = await open(browser, poll.console, { ...PHONE, ...olga.state });
  await page.locator("#line", { hasText: "Live" }).waitFor();
  // The question is open already, and the hand is in a field.
  await page.locator("summary", { hasText: "Close" }).tap();
  await page.locator("details.more > summary").tap();
  await page.getByLabel("Why").fill("a typing error");
  await server.remove(poll);
  await nothingToDo(page);
  good(page);

  // Without scripts a button may be pressed at any time.
  const late = await draft(server, olga);
  await server.act(late, "open");
  const unscripted = await open(browser, late.console, { ...PHONE, ...olga.state, javaScriptEnabled: false });
  await server.remove(late);
  await unscripted.getByRole("button", { name: "Pause" }).tap();
  await unscripted.getByRole("heading", { name: "This poll was removed" }).waitFor();
  assert.equal(new URL(unscripted.url()).pathname, new URL(late.console).pathname);
});

test("what is left of a page is looked at", async () => {
  for (const [name, path, shapes] of [["gone", "", phone], ["gone-screen", "/screen", wide]]) {
    const poll = await draft(server, olga);
    await server.act(poll, "open");
    const removed = async (page) => {
      await page.locator("#line").waitFor({ state: "attached" });
      await server.remove(poll);
      await page.getByText(GONE).waitFor();
    };
    await look(browser, name, poll.page + path, removed, shapes);
  }
  const poll = await draft(server, olga);
  await server.act(poll, "open");
  const removed = async (page) => {
    await page.locator("#line", { hasText: "Live" }).waitFor();
    await server.remove(poll);
    await page.locator("#gone").waitFor();
  };
  await look(browser, "gone-host", poll.console, removed, as(olga, phone));
  await look(browser, "removed", poll.page, undefined, phone);
});
