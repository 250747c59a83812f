// Chromium from the distribution, phones and screens in it, and what holds for every page that is looked at.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
export const WIDE = { viewport: { width: 1440, height: 900 } };

// In which shapes a page is looked at, and as whom.
export const phone = [["phone", PHONE]];
export const wide = [["wide", WIDE]];
const both = [...phone, ...wide];
export const as = (person, shapes = both) => shapes.map(([shape, options]) => [shape, { ...options, ...person.state }]);

const SHOTS = new URL("screenshots/", import.meta.url).pathname;
const AXE = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
mkdirSync(SHOTS, { recursive: true });

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });

// A page in a device of its own, that fails the test on any error of a script and on anything the policy refuses.
export async function open(browser, address, options = PHONE) {
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "Europe/Paris", colorScheme: "light", ...options });
  const page = await context.newPage();
  // Far more than anything takes, so that a full machine fails no test.
  page.setDefaultTimeout(30000);
  page.wrong = [];
  page.on("pageerror", (error) => page.wrong.push(error.message));
  page.on("console", (message) => {
    const text = message.text();
    // Lost lines are what some tests are about.
    if (message.type() === "error" && !/Failed to load resource|ERR_/.test(text)) page.wrong.push(text);
  });
  await page.addInitScript(watchShifts);
  await page.goto(address);
  return page;
}

// Adds up how far things jump that nobody touched, and tasks that block a thumb.
function watchShifts() {
  window.shifted = 0;
  window.moved = [];
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.hadRecentInput) continue;
      window.shifted += entry.value;
      const box = ({ x, y, width, height }) => [x, y, width, height].join(" ");
      for (const { node, previousRect, currentRect } of entry.sources) {
        window.moved.push(`${(node?.parentElement ?? node)?.outerHTML?.slice(0, 120)}: ${box(previousRect)} to ${box(currentRect)}`);
      }
    }
  }).observe({ type: "layout-shift", buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.longTasks.push(entry.duration);
  }).observe({ type: "longtask", buffered: true });
}

// Nothing that an eye sees: pages are called good below 0.1, and a digit that becomes a pixel wider on the way is 0.00003.
export async function still(page) {
  const { shifted, moved } = await page.evaluate(() => ({ shifted: window.shifted, moved: window.moved }));
  assert.ok(shifted < 0.0001, `things jump by ${shifted}:\n${moved.join("\n")}`);
}

export const good = (page) => assert.deepEqual(page.wrong, []);

// Takes pictures of an address, phone and wide, light and dark, and lets axe look at each.
export async function look(browser, name, address, prepare = async () => {}, shapes = both) {
  await Promise.all(shapes.map(async ([shape, options]) => {
    const page = await open(browser, address, { ...options, reducedMotion: "reduce" });
    await prepare(page);
    for (const [colorScheme, rules] of [["light", ALL], ["dark", COLOURS]]) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${SHOTS}${name}-${shape}-${colorScheme}.png`, fullPage: true, scale: "css" });
      await accessible(page, `${name}, ${shape}, ${colorScheme}`, rules);
    }
    // What is wider than the window is not seen by half of its readers.
    const [needs, has] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(needs <= has, `${name}, ${shape}: ${needs} of ${has} pixels wide`);
    good(page);
    await page.context().close();
  }));
}

const ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
// A theme differs in its colours, and in nothing else that axe looks at.
const COLOURS = ["color-contrast", "link-in-text-block"];

// What axe finds wrong with a page: nothing. It runs beside the page's policy, not under it.
export async function accessible(page, name, rules = ALL) {
  const session = await page.context().newCDPSession(page);
  const run = async (expression) => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
    return result.value;
  };
  if (!await run("'axe' in window")) await run(`${AXE}; 0`);
  const found = await run(`axe.run(document, { runOnly: ${JSON.stringify(rules)}, resultTypes: ["violations"] })
    .then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html, failureSummary }) => html.slice(0, 200) + " " + failureSummary).join(" | ")))`);
  assert.deepEqual(found, [], name);
  await session.detach();
}
