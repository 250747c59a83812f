// Who takes part and who may vote: people, access codes, rosters, looked at.
import { after, before, test } from "node:test";
import { as, look, phone, wide } from "./browser.mjs";
import { draft } from "./festival.mjs";
import { joins, opened } from "./people.mjs";

let [browser, server, ada, olga] = [];
before(async () => { [browser, server, ada, olga] = await opened(); });
after(async () => { await browser.close(); await server.stop(); });

test("who takes part, and who may vote", async () => {
  const poll = await draft(server, olga);
  await joins(server, olga, poll, ada, "co_host");
  let link;
  const share = async (page) => {
    await page.getByRole("button", { name: "Make a link" }).click();
    link = await page.getByLabel("Co-host link").inputValue();
  };
  await look(browser, "people", `${poll.page}/people`, share, as(olga));
  await look(browser, "cohost", link, undefined, as(ada));
  const coded = await draft(server, olga, { access: "codes" });
  await look(browser, "codes-none", `${coded.page}/codes`, undefined, as(olga, phone));
  const sheet = async (page) => {
    await page.getByLabel("How many").fill("4");
    await page.getByRole("button", { name: "Make a sheet to print" }).click();
    await page.locator(".card").first().waitFor();
  };
  await look(browser, "sheet", `${coded.page}/codes`, sheet, as(olga));
  const file = async (page) => {
    await page.getByLabel("How many").fill("4");
    await page.getByRole("button", { name: "Make a CSV file" }).click();
    await page.getByRole("button", { name: "Save as a CSV file" }).waitFor();
    await page.reload();
  };
  await look(browser, "codes-file", `${coded.page}/codes`, file, as(olga));
  await look(browser, "codes", `${coded.page}/codes`, undefined, as(olga));
  await server.act(coded, "open");
  await look(browser, "access", coded.page);
  await look(browser, "access-wrong", `${coded.page}/c/ABCDE-FGHJK`, undefined, phone);
  const listed = await draft(server, olga, { access: "roster" });
  const list = (lines, done) => async (page) => {
    await page.getByLabel("Names and e-mail addresses").fill(lines);
    await page.getByRole("button", { name: "Add them, and make a sheet to print" }).click();
    await page.locator(done).first().waitFor();
  };
  await look(browser, "roster-none", `${listed.page}/roster`, undefined, as(olga, phone));
  await look(browser, "roster-sheet", `${listed.page}/roster`, list("name,email\nAda Lovelace,ada@example.org\nGrace Hopper,\n", ".card"), as(olga, wide));
  await look(browser, "roster", `${listed.page}/roster`, list("name,email\n,nobody@example.org\nAda Lovelace,ada@example.org\n", "#wrong"), as(olga));
  const found = async (page) => {
    await page.getByRole("searchbox").fill("lóvelace");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByText("1 person found").waitFor();
    await page.locator("summary[aria-label='Revoke the code of Ada Lovelace']").click();
    await page.getByRole("button", { name: "Revoke the code of Ada Lovelace" }).click();
    await page.locator("summary[aria-label='List again: Ada Lovelace']").click();
    await page.getByText("stays, and counts once").waitFor();
  };
  await look(browser, "roster-found", `${listed.page}/roster`, found, as(olga, phone));
  await look(browser, "roster-nobody", `${listed.page}/roster?q=nobody`, undefined, as(olga));
});
