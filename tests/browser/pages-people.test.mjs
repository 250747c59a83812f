// Signing in, and who takes part, looked at.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { as, look, phone } from "./browser.mjs";
import { invited, opened, PASSWORD } from "./people.mjs";

let [browser, server, ada, olga] = [];
before(async () => { [browser, server, ada, olga] = await opened(); });
after(async () => { await browser.close(); await server.stop(); });

test("signing in, and who one is", async () => {
  const wrong = async (page) => {
    await page.getByLabel("Login name").fill("olga");
    await page.getByLabel("Password", { exact: true }).fill("a guess");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator("#wrong").waitFor();
  };
  await look(browser, "login", `${server.url}/login`);
  await look(browser, "login-wrong", `${server.url}/login`, wrong, phone);
  await look(browser, "link-gone", `${server.url}/join/nothing`);
  await look(browser, "mine-none", `${server.url}/`, undefined, as(await invited(server, ada, "new"), phone));
  const invite = async (page) => { await page.getByRole("button", { name: "Make an invitation" }).click(); };
  let link;
  const note = async (page) => { await invite(page); link = await page.getByLabel("Invitation", { exact: true }).inputValue(); };
  await look(browser, "invitations", `${server.url}/account/invitations`, note, as(ada));
  const short = async (page) => {
    await page.getByLabel("Login name").fill("olga");
    await page.getByLabel("New password", { exact: true }).fill(PASSWORD);
    await page.getByLabel("New password, once more").fill(PASSWORD);
    await page.getByRole("button", { name: "Go" }).click();
    await page.locator("#name-error").waitFor();
  };
  await look(browser, "join", link);
  await look(browser, "join-taken", link, short, phone);
  const token = async (page) => {
    await page.getByLabel("Name").fill("The press office");
    await page.getByLabel("results").check();
    await page.getByRole("button", { name: "Make the token" }).click();
  };
  await look(browser, "tokens", `${server.url}/account/tokens`, token, as(ada));
  const unscoped = async (page) => {
    await page.getByLabel("Name").fill("The press office");
    await page.getByRole("button", { name: "Make the token" }).click();
    await page.locator("#wrong", { hasText: "Choose at least one scope" }).waitFor();
    assert.equal(await page.getByLabel("Name").inputValue(), "The press office", "what was typed stays");
    await page.getByRole("group", { name: "Scopes", description: "Choose at least one scope." }).waitFor();
  };
  await look(browser, "tokens-unscoped", `${server.url}/account/tokens`, unscoped, as(ada, phone));
  // Of this minute, in the browser's own zone, which is not UTC.
  const own = async (page) => {
    const told = await page.locator("td time").allTextContents();
    assert.ok(told.length > 1 && told.every((time) => / at \d\d:\d\d$/.test(time)), told.join());
  };
  await look(browser, "account", `${server.url}/account`, own, as(ada));
  await look(browser, "account-french", `${server.url}/account?lang=fr`, undefined, as(olga, phone));
});
