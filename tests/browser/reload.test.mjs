// The reload that a browser asks about: "send the form again?" Nothing is made twice, and what was made is shown again.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { good, launch, open, WIDE } from "./browser.mjs";
import { founder, made } from "./people.mjs";
import { Server } from "./server.mjs";

let [browser, server, ada] = [];
before(async () => {
  [browser, server] = await Promise.all([launch(), Server.start()]);
  ada = await founder(server);
});
after(async () => { await browser.close(); await server.stop(); });

const as = (path) => open(browser, server.url + path, { ...WIDE, ...ada.state });
const secrets = (page) => page.locator(".card .secret").allTextContents();
const counted = async (poll) => (await server.ask("GET", `/api/v1/polls/${poll.code}/codes`)).made;

// Presses reload, and sees that the browser has sent the form again.
async function reload(page) {
  const sent = page.waitForRequest((request) => request.isNavigationRequest());
  await page.reload();
  assert.equal((await sent).method(), "POST");
}

test("a sheet of codes is loaded again, and a file is saved from its page", async () => {
  const poll = await made(server, ada, { access: "codes" });
  const desk = await as(`/${poll.code}/codes`);
  await desk.getByLabel("How many").fill("3");
  await desk.getByRole("button", { name: "Make a sheet to print" }).click();
  const codes = await secrets(desk);
  for (let press = 0; press < 2; press += 1) {
    await reload(desk);
    await desk.getByText("Nothing new was made").waitFor();
    assert.deepEqual(await secrets(desk), codes);
  }
  assert.equal(await counted(poll), 3);
  await desk.getByRole("link", { name: "Done" }).click();
  await desk.getByLabel("How many").fill("3");
  await desk.getByRole("button", { name: "Make a CSV file" }).click();
  await desk.getByRole("heading", { name: "3 new access codes" }).waitFor();
  const [download] = await Promise.all([desk.waitForEvent("download"), desk.getByRole("button", { name: "Save as a CSV file" }).click()]);
  const file = readFileSync(await download.path(), "utf8");
  assert.match(file, /^\ufeffnumber,code,link\n4,/);
  assert.ok(codes.every((code) => !file.includes(code)), "these are others");
  await desk.getByRole("link", { name: "Done" }).click();
  await desk.locator("main strong", { hasText: "6 codes made" }).waitFor();
  good(desk);
});

test("a roster and a new code are loaded again", async () => {
  const poll = await made(server, ada, { access: "roster" });
  const desk = await as(`/${poll.code}/roster`);
  await desk.getByLabel("Names and e-mail addresses").fill("name,email\nAda,\nGrace,\n");
  await desk.getByRole("button", { name: "Add them, and make a sheet to print" }).click();
  const codes = await secrets(desk);
  await reload(desk);
  assert.deepEqual(await secrets(desk), codes);
  await desk.getByRole("link", { name: "Done" }).click();
  const row = desk.getByRole("row").filter({ hasText: "Grace" });
  await row.locator("summary", { hasText: "New code" }).click();
  await row.getByRole("button", { name: "New code for Grace" }).click();
  const [code] = await secrets(desk);
  assert.ok(!codes.includes(code));
  await reload(desk);
  assert.deepEqual(await secrets(desk), [code]);
  assert.equal(await counted(poll), 2);
  good(desk);
});

test("a link for a co-host is made once, and an invitation's page is a page like any other", async () => {
  const poll = await made(server, ada);
  const people = await as(`/${poll.code}/people`);
  await people.getByRole("button", { name: "Make a link" }).click();
  const link = () => people.getByLabel("Co-host link").inputValue();
  const first = await link();
  await reload(people);
  assert.equal(await link(), first);
  assert.equal(await people.getByRole("button", { name: "Revoke" }).count(), 1);
  const invitations = await as("/account/invitations");
  await invitations.getByRole("button").filter({ hasText: "invitation" }).click();
  const shown = () => invitations.locator("input[readonly]").inputValue();
  const invitation = await shown();
  await invitations.reload();
  assert.equal(await shown(), invitation);
  assert.equal(await invitations.getByRole("row").count(), 2);
  good(people);
  good(invitations);
});
