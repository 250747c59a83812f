// Five hundred of them: phones behind one address, watchers beside a screen, and programs that are no phones.
import assert from "node:assert/strict";
import { Agent, get, request } from "node:http";
import { after, before, test } from "node:test";
import { good, launch, open, PHONE, WIDE } from "./browser.mjs";
import { founder, made } from "./people.mjs";
import { Server } from "./server.mjs";

const CROWD = 500;

let [browser, server, ada] = [];
before(async () => {
  [browser, server] = await Promise.all([launch(), Server.start()]);
  ada = await founder(server);
});
after(async () => { await browser.close(); await server.stop(); });

const everybody = (act) => Promise.all(Array.from({ length: CROWD }, (_, at) => act(at)));

// Asks on a connection of its own, however long it takes: a full machine is no refusal.
function ask(method, address, headers = {}, body = undefined) {
  return new Promise((done, failed) => {
    const asked = request(address, { method, headers, agent: false }, async (answer) => {
      try {
        done({ status: answer.statusCode, cookies: answer.headers["set-cookie"] ?? [], text: (await answer.setEncoding("utf8").toArray()).join("") });
      } catch (error) {
        failed(error);
      }
    });
    asked.on("error", failed).end(body);
  });
}

// A phone without a browser: it loads the page, keeps its cookie, and votes once.
async function phone(poll, at) {
  const page = await ask("GET", poll.page);
  const cookie = page.cookies.map((one) => one.split(";")[0]).join("; ");
  const body = JSON.stringify({ id: crypto.randomUUID(), choices: [at % 5 ? "tea" : "coffee"] });
  const vote = await ask("POST", votes(poll), { cookie, "content-type": "application/json" }, body);
  return { statuses: [page.status, vote.status], answer: JSON.parse(vote.text).status };
}

const votes = (poll) => `${server.url}/api/v1/polls/${poll.id}/votes`;

test("a hall of 500 behind one address joins and votes all at once, and nobody is refused", async () => {
  const poll = await server.poll();
  const screen = await open(browser, `${poll.page}/screen`, WIDE);
  await screen.locator("#line", { hasText: "Live" }).waitFor();
  // All at once is more than within the ten seconds that a hall takes.
  const heard = await everybody((at) => phone(poll, at));
  const refused = heard.filter(({ statuses, answer }) => statuses.join() !== "200,201" || answer !== "counted");
  assert.deepEqual(refused, []);
  const { ballots, choices } = await server.results(poll);
  assert.deepEqual([ballots, ...choices.map((choice) => choice.votes)], [500, 400, 100]);
  await screen.locator("#voters", { hasText: "500 voters" }).waitFor();
  await screen.locator("#joined", { hasText: "500 have joined" }).waitFor();
  good(screen);
});

// Follows results as a watcher without a browser does: the totals that were told, in their order.
function watcher(poll, agent) {
  const totals = [];
  let [isOver, heard] = [false, () => {}];
  return new Promise((done, failed) => {
    const asked = get(`${poll.page}/screen/stream`, { agent }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (data) => {
        const lines = (text + data).split("\n");
        text = lines.pop();
        for (const line of lines) if (line.startsWith("data:")) totals.push(JSON.parse(line.slice(5)).ballots);
        heard();
      }).on("close", () => { isOver = true; heard(); });
      const reaches = async (total) => {
        while (totals.at(-1) !== total) {
          assert.ok(!isOver, `a stream (${answer.statusCode}) ended before ${total}, after ${totals}`);
          await new Promise((next) => { heard = next; });
        }
      };
      done({ totals, reaches, stop: () => asked.destroy() });
    });
    asked.on("error", failed);
  });
}

test("beside 500 watchers the screen shows each vote, never goes backward, and ends where all do", async () => {
  const poll = await server.poll();
  const agent = new Agent({ maxSockets: Infinity });
  const watchers = await everybody(() => watcher(poll, agent));
  const screen = await open(browser, `${poll.page}/screen`, WIDE);
  await screen.locator("#line", { hasText: "Live" }).waitFor();
  await screen.evaluate(() => {
    window.totals = [];
    const read = () => window.totals.push(parseInt(document.getElementById("voters").textContent, 10));
    new MutationObserver(read).observe(document.getElementById("voters"), { childList: true, characterData: true, subtree: true });
  });
  const single = 20;
  for (let vote = 1; vote <= single; vote += 1) {
    await server.others(poll, vote % 3 ? "tea" : "coffee", [`v${vote}`]);
    await screen.locator("#voters", { hasText: new RegExp(`^${vote} voter`) }).waitFor();
  }
  // A burst may come as fewer frames; none of them goes back.
  await Promise.all(Array.from({ length: 100 }, (_, at) => server.others(poll, "tea", [`w${at}`])));
  await screen.locator("#voters", { hasText: "120 voters" }).waitFor();
  const rises = (totals) => assert.deepEqual(totals, [...totals].sort((a, b) => a - b), "totals only rise");
  const shown = await screen.evaluate(() => window.totals);
  rises(shown);
  assert.deepEqual(shown.slice(0, single), Array.from({ length: single }, (_, at) => at + 1));
  for (const { totals, reaches, stop } of watchers) {
    await reaches(120);
    rises(totals);
    stop();
  }
  agent.destroy();
  good(screen);
});

test("a loop that posts without a page gets 401, and one that fetches pages is seen by the host", async () => {
  const poll = await made(server, ada);
  await server.act(poll, "open");
  const desk = await open(browser, poll.console, { ...PHONE, ...ada.state });
  const post = async () => {
    const answer = await ask("POST", votes(poll), { "content-type": "application/json" }, '{"choices":["tea"]}');
    return [answer.status, JSON.parse(answer.text).code].join();
  };
  const answers = await Promise.all(Array.from({ length: 100 }, post));
  assert.deepEqual([...new Set(answers)], ["401,no_voter"]);
  assert.equal((await server.results(poll)).ballots, 0);
  // A minute may end while they come: over five minutes they are a hundred a minute.
  await everybody(() => ask("GET", poll.page));
  await desk.locator("[data-figure=joined]", { hasText: /^500$/ }).waitFor();
  await desk.locator("[data-figure=joining]", { hasText: /^100$/ }).waitFor();
  assert.equal((await server.results(poll)).ballots, 0, "to look is not to vote");
  good(desk);
});
