// What an organiser has on the desk: the form of a poll and the console, looked at.
import { after, before, test } from "node:test";
import { as, look, phone } from "./browser.mjs";
import { cast, draft, FESTIVAL } from "./festival.mjs";
import { invited, opened } from "./people.mjs";

let [browser, server, ada, olga] = [];
before(async () => { [browser, server, ada, olga] = await opened(); });
after(async () => { await browser.close(); await server.stop(); });

test("making a poll, and running it", async () => {
  const fill = async (page) => {
    await page.getByLabel("The question").fill(FESTIVAL.title);
    await page.getByLabel("Choice 1", { exact: true }).fill("The old harbour");
    for (const part of await page.locator("details.more summary").all()) await part.click();
  };
  const wrong = async (page) => {
    await page.getByLabel("The question").fill(FESTIVAL.title);
    for (const at of [1, 2]) await page.getByLabel(`Choice ${at}`, { exact: true }).fill("City park");
    await page.getByRole("button", { name: "Make the poll" }).click();
    await page.locator("#choices-wrong").waitFor();
  };
  await look(browser, "new", `${server.url}/new`, fill, as(olga));
  await look(browser, "new-wrong", `${server.url}/new`, wrong, as(olga, phone));
  await look(browser, "new-french", `${server.url}/new?lang=fr`, undefined, as(olga, phone));
  const poll = await draft(server, olga, { visibility: "on_reveal" });
  const live = (page) => page.locator("#line", { hasText: "Live" }).waitFor();
  await look(browser, "host-draft", poll.console, live, as(olga));
  await look(browser, "edit", `${poll.page}/edit`, undefined, as(olga, phone));
  await server.act(poll, "open");
  await cast(server, poll);
  const ask = async (page) => { await live(page); await page.locator("summary", { hasText: "Close voting" }).click(); };
  await look(browser, "host", poll.console, live, as(olga));
  await look(browser, "host-asks", poll.console, ask, as(olga, phone));
  const more = async (page) => { await live(page); await page.locator("details.more summary").click(); };
  await look(browser, "host-more", poll.console, more, as(olga));
  await server.act(poll, "close");
  await look(browser, "host-closed", poll.console, live, as(olga, phone));
  await look(browser, "host-french", `${poll.console}?lang=fr`, undefined, as(olga));
  for (const act of ["rounds", "open", "close", "rounds", "open"]) await server.act(poll, act);
  await server.act(poll, "reveal", { round: 1 });
  const earlier = async (page) => { await live(page); await page.locator(".earlier summary").first().click(); };
  await look(browser, "host-earlier", poll.console, earlier, as(olga));
  await look(browser, "mine", `${server.url}/`, undefined, as(olga));
  await look(browser, "no-part", poll.console, undefined, as(await invited(server, ada, "sam"), phone));
});
