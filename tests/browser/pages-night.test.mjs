// The page of an election of boxes, looked at: by anybody while its results are hidden, and by who has a part in it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { as, good, look, open, phone } from "./browser.mjs";
import { joins, opened } from "./people.mjs";

let [browser, server, ada, olga] = [];
before(async () => { [browser, server, ada, olga] = await opened(); });
after(async () => { await browser.close(); await server.stop(); });

// A night of two cities whose results are hidden, made by somebody who is signed in.
async function night() {
  const body = { title: "The night of the long count", choices: ["Tories", "Labour"], cities: ["London", "Leeds"], open: true, visibility: "on_reveal" };
  const headers = { origin: server.url, cookie: ada.cookie, "content-type": "application/json" };
  const made = await fetch(`${server.url}/api/v1/elections`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.equal(made.status, 201, await made.clone().text());
  const found = await made.json();
  const report = { ballot_box_id: "l1", city: "london", votes: { tories: 4321, labour: 1234 }, blank: 5 };
  await server.ask("POST", `/api/v1/elections/${found.id}/reports`, report);
  await joins(server, ada, found, olga, "viewer");
  return found;
}

test("a night in each state, and its files", async () => {
  const found = await night();
  const page = `${server.url}/${found.code}/results`;
  // The page renews itself by a timed refresh, which axe refuses whatever the page holds: the rest of it is looked at.
  const has = (text) => async (page) => {
    await page.getByText(text).first().waitFor();
    await page.evaluate(() => document.querySelector("meta[http-equiv=refresh]").remove());
  };
  await look(browser, "night-hidden", page, has("Results are hidden"), phone);
  await look(browser, "night-full", `${page}?audience=full`, has("Hidden from others"), as(olga));
  await look(browser, "night-full-french", `${page}?audience=full&lang=fr`, has("Masqué aux autres"), as(olga, phone));

  const seen = await open(browser, `${page}?audience=full`, as(olga, phone)[0][1]);
  await seen.getByRole("link", { name: "London" }).click();
  await seen.getByText("4,321").first().waitFor();
  const [file] = await Promise.all([seen.waitForEvent("download"), seen.getByRole("link", { name: "CSV" }).click()]);
  const chunks = [];
  for await (const chunk of await file.createReadStream()) chunks.push(chunk);
  const lines = Buffer.concat(chunks).toString().trim().split("\r\n");
  assert.equal(file.suggestedFilename(), `${found.code}-results.csv`);
  assert.equal(lines.length, 1 + 2 * 2, lines.join("\n"));
  assert.ok(lines[1].startsWith("main,") && lines[1].includes(",Tories,,4321,5560,5,0,"), lines[1]);
  good(seen);

  await server.ask("POST", `/api/v1/elections/${found.id}/reveal`, {});
  await look(browser, "night", page, has("4,321"));
});
