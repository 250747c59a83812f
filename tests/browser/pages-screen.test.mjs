// The screen in each state, looked at.
import { after, before, test } from "node:test";
import { as, look, wide } from "./browser.mjs";
import { draft, FESTIVAL, festival } from "./festival.mjs";
import { opened } from "./people.mjs";

let [browser, server, ada, olga] = [];
before(async () => { [browser, server, ada, olga] = await opened(); });
after(async () => { await browser.close(); await server.stop(); });

test("the screen in each state", async () => {
  const bars = (page) => page.locator("#line", { hasText: "Live" }).waitFor();
  const poll = await festival(server, { accent: "#2e7d32" });
  await look(browser, "screen", `${poll.page}/screen`, bars);
  const large = async (page) => { await page.keyboard.press("q"); await page.locator("#qr img").waitFor(); };
  await look(browser, "screen-qr", `${poll.page}/screen`, large, wide);
  const keys = async (page) => { await page.keyboard.press("?"); };
  await look(browser, "screen-keys", `${poll.page}/screen`, keys, wide);
  await server.act(poll, "close");
  await look(browser, "screen-closed", `${poll.page}/screen`, bars, wide);
  const hidden = await festival(server, { visibility: "on_reveal" });
  await look(browser, "screen-hidden", `${hidden.page}/screen`, bars, wide);
  const many = await server.poll({ title: "Which of these?", choices: Array.from({ length: 14 }, (_, at) => `Candidate number ${at + 1}`) });
  await look(browser, "screen-many", `${many.page}/screen`, bars, wide);
  const waiting = await server.poll({ ...FESTIVAL, open: false });
  await look(browser, "screen-draft", `${waiting.page}/screen`, bars, wide);
  const own = await draft(server, olga, { visibility: "on_reveal" });
  await server.act(own, "open");
  const ask = async (page) => { await bars(page); await page.keyboard.press("r"); };
  await look(browser, "screen-reveal", `${own.page}/screen`, ask, as(olga, wide));
  await look(browser, "screen-french", `${own.page}/screen?lang=fr`, undefined, as(olga, wide));
});
