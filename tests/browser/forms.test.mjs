// What an organiser fills in: the form of a poll by keyboard alone, people, access codes, the roster.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, good, launch, open, PHONE, still, WIDE } from "./browser.mjs";
import { founder, made, PASSWORD } from "./people.mjs";
import { Server } from "./server.mjs";

let [browser, server, ada] = [];
before(async () => {
  [browser, server] = await Promise.all([launch(), Server.start()]);
  ada = await founder(server);
});
after(async () => { await browser.close(); await server.stop(); });

const as = (person, path, shape = WIDE) => open(browser, server.url + path, { ...shape, ...person.state });
const focused = (page) => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.name);
const rows = (page) => page.locator("#choice-list input").evaluateAll((fields) => fields.map((field) => field.value));

// Goes on with Tab until something has the focus; all of it must be reached this way.
async function tabTo(page, name) {
  for (let tab = 0; tab < 60; tab += 1) {
    await page.keyboard.press("Tab");
    if (await focused(page) === name) return;
  }
  assert.fail(`Tab does not come to ${name}`);
}

test("the keyboard alone makes a poll: many lines at once, in another order, one taken away", async () => {
  const page = await as(ada, "/new");
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
  await tabTo(page, "title");
  await page.keyboard.type("What shall we plant?");
  await tabTo(page, "Choice 1");
  await page.keyboard.type("Oak");
  await press("Enter");
  assert.equal(await focused(page), "Choice 2");
  // As a list that was copied from somewhere, with an empty line in it and an end of line of another system.
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.setData("text", "Lime\r\n\r\n  Beech \nRowan\n");
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  });
  assert.deepEqual(await rows(page), ["Oak", "Lime", "Beech", "Rowan"]);
  assert.equal(await focused(page), "Choice 4");
  // With the keys of the field, and with the buttons beside it: the focus goes along.
  await press("Alt+ArrowUp", "Alt+ArrowUp", "Alt+ArrowUp", "Alt+ArrowUp");
  assert.deepEqual(await rows(page), ["Rowan", "Oak", "Lime", "Beech"]);
  assert.equal(await focused(page), "Choice 1");
  await press("Alt+ArrowDown");
  assert.deepEqual(await rows(page), ["Oak", "Rowan", "Lime", "Beech"]);
  await tabTo(page, "Move choice 3 down");
  await press("Enter");
  assert.deepEqual(await rows(page), ["Oak", "Rowan", "Beech", "Lime"]);
  // At the end there is no further down, and so the focus is at the field.
  assert.equal(await focused(page), "Choice 4");
  await press("Tab", "Enter");
  assert.equal(await focused(page), "Move choice 3 up", "whoever moves it again need not look for the button");
  await tabTo(page, "Take choice 4 away");
  await press("Space");
  assert.deepEqual(await rows(page), ["Oak", "Rowan", "Lime"]);
  assert.equal(await focused(page), "Choice 3");
  await press("Enter");
  await press("Backspace");
  assert.equal(await focused(page), "Choice 3", "an empty row that is taken back leads to the one before");
  await tabTo(page, "method");
  await press("ArrowDown");
  await tabTo(page, "most");
  await page.keyboard.type("2");
  // A vote can be changed unless that is taken back.
  await tabTo(page, "changeable");
  await press("Space");
  await tabTo(page, "visibility");
  await page.keyboard.type("Nobody");
  for (let tab = 0; tab < 20 && !await page.evaluate(() => document.activeElement.type === "submit"); tab += 1) await press("Tab");
  await press("Enter");
  await page.waitForURL("**/host");
  const code = await page.locator(".code").textContent();
  const poll = await server.ask("GET", `/api/v1/polls/${code}`);
  assert.deepEqual(poll.contest.choices.map((choice) => choice.title), ["Oak", "Rowan", "Lime"]);
  const { method, max, change } = poll.contest;
  assert.deepEqual([poll.title, poll.visibility, method, max, change], ["What shall we plant?", "on_reveal", "approval", 2, "final"]);
  // And the console by keyboard, up to the close, which asks.
  const tabToText = async (text) => {
    for (let tab = 0; tab < 40; tab += 1) {
      await press("Tab");
      if (await page.evaluate(() => document.activeElement.textContent.trim()) === text) return;
    }
    assert.fail(`Tab does not come to ${text}`);
  };
  await tabToText("Open voting");
  await press("Enter");
  await page.locator(".now .big", { hasText: "Close voting" }).waitFor();
  await tabToText("Close voting");
  await press("Enter");
  await tabToText("Yes: Close voting");
  await press("Enter");
  await page.locator(".now .big", { hasText: "Undo the close" }).waitFor();
  good(page);
});

test("what is wrong is said at its field, and nothing that was typed is lost", async () => {
  const page = await as(ada, "/new", PHONE);
  await page.getByLabel("The question").fill("Tea?");
  await page.getByLabel("Choice 1", { exact: true }).fill("Yes");
  await page.getByLabel("Choice 2", { exact: true }).fill("Yes");
  await page.getByLabel("Several choices").check();
  await page.getByRole("button", { name: "Make the poll" }).tap();
  await page.locator("#choices-wrong", { hasText: "Choice 2 is there twice" }).waitFor();
  assert.deepEqual(await rows(page), ["Yes", "Yes", ""]);
  assert.equal(await page.getByLabel("The question").inputValue(), "Tea?");
  assert.equal(await page.getByLabel("Several choices").isChecked(), true);
  good(page);
});

// The fields of a form that are wrong, and all that is said of each.
const faults = (page) => page.locator("[aria-invalid=true]").evaluateAll((fields) => fields.map((field) => {
  const words = (field.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id));
  return [field.id, words.map((element) => element?.className ?? "nothing").join(" ")];
}));

test("a form that was refused leads to the field, and the field says what is wrong, with scripts and without", async () => {
  const bounds = async (page) => {
    await page.getByLabel("Several choices").check();
    await page.getByLabel("At most").fill("9");
  };
  const times = async (page) => {
    await page.locator("summary", { hasText: "Open and close by itself" }).click();
    await page.getByLabel("Closes", { exact: true }).fill("2001-01-01T10:00");
  };
  const zone = async (page) => {
    await page.locator("summary", { hasText: "Open and close by itself" }).click();
    await page.getByLabel("Opens", { exact: true }).fill("2040-01-01T10:00");
    await page.getByLabel("Time zone").fill("Mars");
  };
  const slug = async (page) => {
    await page.locator("summary", { hasText: "Colour and address" }).click();
    await page.getByLabel("A short address").fill("new");
  };
  for (const javaScriptEnabled of [true, false]) {
    for (const [wrong, place, words] of [
      [(page) => page.getByLabel("The question").fill("   "), "title", "error"],
      [(page) => page.getByLabel("Choice 2", { exact: true }).fill("Yes"), "choice-2", "error"],
      [(page) => page.getByLabel("Choice 2", { exact: true }).fill(""), "choice-2", "error"],
      [bounds, "most", "error"],
      [times, "closes", "hint error"],
      [zone, "zone", "hint error"],
      [slug, "slug", "hint error"],
    ]) {
      const page = await open(browser, `${server.url}/new`, { ...WIDE, ...ada.state, javaScriptEnabled });
      await page.getByLabel("The question").fill("Tea?");
      await page.getByLabel("Choice 1", { exact: true }).fill("Yes");
      await page.getByLabel("Choice 2", { exact: true }).fill("No");
      await wrong(page);
      await page.getByRole("button", { name: "Make the poll" }).click();
      await page.getByRole("alert").waitFor();
      assert.deepEqual(await faults(page), [[place, words]]);
      // Whoever hears the page is at the words about it, and one key and a press further at the field.
      const at = () => page.evaluate(() => document.activeElement.id);
      assert.equal(await at(), "wrong", place);
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      assert.equal(await at(), place);
      if (javaScriptEnabled) await accessible(page, place);
      good(page);
      await page.context().close();
    }
  }
});

test("without scripts as many choices are given as are wanted, and nothing jumps when the script comes", async () => {
  const plain = await open(browser, `${server.url}/new`, { ...PHONE, ...ada.state, javaScriptEnabled: false });
  await plain.getByLabel("The question").fill("Which tree?");
  await plain.getByLabel("Choice 1", { exact: true }).fill("Oak");
  await plain.getByLabel("Choice 3", { exact: true }).fill("Lime");
  assert.equal(await plain.getByRole("button", { name: "One more choice" }).isVisible(), false, "nothing that does nothing");
  await plain.locator("summary", { hasText: "Many choices at once" }).click();
  await plain.getByLabel("One a line").fill("Beech\n\nRowan\nAsh");
  await plain.getByRole("button", { name: "Make the poll" }).click();
  await plain.waitForURL("**/host");
  const poll = await server.ask("GET", `/api/v1/polls/${await plain.locator(".code").textContent()}`);
  assert.deepEqual(poll.contest.choices.map((choice) => choice.title), ["Oak", "Lime", "Beech", "Rowan", "Ash"]);

  for (const [path, shape] of [["/new", PHONE], ["/new", WIDE], [`/${poll.code}/edit`, PHONE]]) {
    const page = await open(browser, "about:blank", { ...shape, ...ada.state });
    let arrive;
    const held = new Promise((done) => { arrive = done; });
    await page.route("**/*.js", async (route) => { await held; await route.continue(); });
    await page.goto(server.url + path, { waitUntil: "commit" });
    await page.getByLabel("Choice 1", { exact: true }).waitFor();
    // It is painted as it is without the script.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    arrive();
    await page.waitForLoadState("load");
    const before = await rows(page);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await still(page);
    await page.getByRole("button", { name: "One more choice" }).click();
    assert.deepEqual(await rows(page), [...before, ""]);
    good(page);
    await page.context().close();
  }
});

test("people: an invitation, a part, a co-host link that is revoked while somebody is in by it", async () => {
  const desk = await as(ada, "/account/invitations");
  await desk.getByRole("button", { name: "Make an invitation" }).click();
  const link = await desk.getByLabel("Invitation", { exact: true }).inputValue();
  const carl = await open(browser, link);
  await carl.getByLabel("Login name").fill("carl");
  await carl.getByLabel("New password", { exact: true }).fill(PASSWORD);
  await carl.getByLabel("New password, once more").fill(PASSWORD);
  await carl.getByRole("button", { name: "Go" }).tap();
  await carl.getByText("You have no polls yet.").waitFor();
  // The link is spent.
  const late = await open(browser, link);
  await late.getByRole("heading", { name: "This link is not good any more" }).waitFor();

  const poll = await made(server, ada);
  await desk.goto(`${poll.page}/people`);
  await desk.getByLabel("Login name").fill("carla");
  await desk.getByRole("button", { name: "Add a person" }).click();
  await desk.locator("#wrong", { hasText: "Nobody here is called carla." }).waitFor();
  await desk.getByLabel("Login name").fill("carl");
  await desk.getByRole("button", { name: "Add a person" }).click();
  await desk.getByRole("rowheader", { name: "carl" }).waitFor();
  await carl.goto(server.url);
  await carl.getByRole("link", { name: "Tea or coffee?" }).tap();
  await carl.getByRole("button", { name: "Open voting" }).tap();
  await carl.locator(".now .big", { hasText: "Close voting" }).waitFor();

  await desk.getByRole("button", { name: "Make a link" }).click();
  const phone = await open(browser, await desk.getByLabel("Co-host link").inputValue());
  await phone.getByRole("button", { name: "Help with this" }).tap();
  await phone.waitForURL("**/host");
  await desk.goto(`${poll.page}/people`);
  await desk.getByText("1 browser is in by it").waitFor();
  await desk.getByRole("button", { name: "Revoke" }).click();
  await desk.getByText(/^revoked /).waitFor();
  await phone.getByRole("button", { name: "Pause" }).tap();
  await phone.waitForURL("**/login?next=*");
  assert.equal((await server.ask("GET", `/api/v1/polls/${poll.id}`)).status, "open", "who is out pauses nothing");

  await desk.getByRole("button", { name: "Remove carl, Co-host" }).click();
  await desk.getByRole("rowheader", { name: "carl" }).waitFor({ state: "detached" });
  await carl.getByRole("button", { name: "Pause" }).tap();
  await carl.getByRole("heading", { name: "Not for you" }).waitFor();
  assert.equal((await server.ask("GET", `/api/v1/polls/${poll.id}`)).status, "open");
  good(desk);
});

test("codes: a sheet is made, a look spends nothing, and one code is one voter on two devices", async () => {
  const poll = await made(server, ada, { access: "codes", changeable: "yes" });
  const desk = await as(ada, `/${poll.code}/codes`);
  await desk.getByLabel("How many").fill("3");
  await desk.getByRole("button", { name: "Make a sheet to print" }).click();
  const codes = await desk.locator(".card .secret").allTextContents();
  assert.equal(new Set(codes).size, 3);
  await server.act(poll, "open");
  // A preview of the link, and a scanner that goes nowhere.
  for (let look = 0; look < 3; look += 1) await (await fetch(`${poll.page}/c/${codes[0]}`)).text();

  const [one, other] = [await open(browser, `${poll.page}/c/${codes[0]}`), await open(browser, poll.page)];
  await one.locator("#paper .title", { hasText: "Tea" }).tap();
  await one.locator("#vote").tap();
  await one.locator("#own-state", { hasText: "Counted" }).waitFor();
  // The other device is told the code by hand, in small letters and without the hyphen.
  await other.getByLabel("Access code").fill(codes[0].toLowerCase().replace("-", ""));
  await other.getByRole("button", { name: "Go on" }).tap();
  await other.locator("#own-text", { hasText: "You voted for Tea." }).waitFor();
  await other.locator("#change").tap();
  await other.locator("#paper .title", { hasText: "Coffee" }).tap();
  await other.locator("#vote").tap();
  await other.locator("#own-text", { hasText: "You voted for Coffee." }).waitFor();
  await other.locator("#own-state", { hasText: "Counted" }).waitFor();
  const { ballots, choices } = await server.results(poll);
  assert.deepEqual([ballots, ...choices.map((choice) => choice.votes)], [1, 0, 1]);

  await desk.getByRole("link", { name: "Done" }).click();
  await desk.locator("main strong", { hasText: "3 codes made" }).waitFor();
  await desk.getByLabel("Number").fill("2");
  await desk.getByRole("button", { name: "Revoke" }).click();
  await desk.getByText("Code 2 is revoked.").waitFor();
  const late = await open(browser, `${poll.page}/c/${codes[1]}`);
  await late.locator("#wrong", { hasText: "This access code was revoked" }).waitFor();
  const guess = await open(browser, `${poll.page}/c/ABCDE-FGHJK`);
  await guess.locator("#wrong", { hasText: "This is no access code of this poll" }).waitFor();
  for (const page of [desk, one, other]) good(page);
});

test("roster: lines are mended where they are wrong, persons get a code each, and one is revoked", async () => {
  const poll = await made(server, ada, { access: "roster" });
  const desk = await as(ada, `/${poll.code}/roster`);
  const lines = desk.getByLabel("Names and e-mail addresses");
  const sheet = () => desk.getByRole("button", { name: "Add them, and make a sheet to print" }).click();
  await lines.fill("name,email\nAda Lovelace,ada@example.org\n,nobody@example.org\nAda Lovelace,\n");
  await sheet();
  await desk.locator("#wrong li", { hasText: "Line 3: the name is missing." }).waitFor();
  assert.match(await lines.inputValue(), /nobody@example\.org/);
  await lines.fill('name,email\nAda Lovelace,ada@example.org\n"Hopper, Grace",\n');
  await sheet();
  const codes = await desk.locator(".card .secret").allTextContents();
  assert.deepEqual(await desk.locator(".card .whose").allTextContents(), ["Ada Lovelace", "Hopper, Grace"]);
  await server.act(poll, "open");
  const phone = await open(browser, `${poll.page}/c/${codes[0]}`);
  await phone.locator("#paper .title", { hasText: "Tea" }).tap();
  await phone.locator("#vote").tap();
  await phone.locator("#own-state", { hasText: "Counted" }).waitFor();

  await desk.getByRole("link", { name: "Done" }).click();
  const row = (name) => desk.getByRole("row").filter({ hasText: name });
  await row("Ada Lovelace").getByText("has voted").waitFor();
  await row("Hopper").locator("summary", { hasText: "Revoke" }).click();
  await row("Hopper").getByRole("button", { name: "Revoke the code of Hopper, Grace" }).click();
  await row("Hopper").getByText("revoked", { exact: true }).waitFor();
  const late = await open(browser, `${poll.page}/c/${codes[1]}`);
  await late.locator("#wrong", { hasText: "This access code was revoked" }).waitFor();
  good(desk);
  good(phone);
});
