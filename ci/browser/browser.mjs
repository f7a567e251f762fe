// The browser, and a page opened in one cell of the matrix.
// In: BROWSER, BROWSER_TOOLS (ci/browser/node.sh sets both), a file's address. Out: the open page, and all that it said meanwhile.

import { createRequire } from "node:module";
import { join } from "node:path";

const tools = process.env.BROWSER_TOOLS;
if (!tools || !process.env.BROWSER) {
  console.error("ci/browser: expected BROWSER and BROWSER_TOOLS in the environment, found none; start modules by ci/browser/node.sh");
  process.exit(1);
}
const require = createRequire(join(tools, "package.json"));

/** The source of axe, to be run inside a page. */
export const axeSource = require("axe-core").source;

/** Every way a page is opened: with and without JavaScript, both colour schemes, a desk's width and a phone's. */
export const CELLS = [true, false].flatMap((script) =>
  ["light", "dark"].flatMap((theme) => [1280, 400].map((width) => cell(script, theme, width))),
);

/** One cell; its name is what a report says. */
export function cell(script, theme, width) {
  return { script, theme, width, name: `${script ? "script" : "no-script"}, ${theme}, ${width} px` };
}

/** A headless browser that asks nobody for anything by itself. */
export function launch() {
  return require("playwright-core").chromium.launch({
    executablePath: process.env.BROWSER,
    headless: true,
    args: [
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--hide-scrollbars",
    ],
  });
}

/** Opens `url` without a network. `ms`: from the start of the navigation to `load` and a frame drawn after it. */
export async function open(browser, url, { script, theme, width }) {
  const context = await browser.newContext({
    offline: true,
    javaScriptEnabled: script,
    colorScheme: theme,
    viewport: { width, height: 900 },
    deviceScaleFactor: 1,
  });
  const page = await context.newPage();
  // Long enough for a loaded machine; a page that is slow is the business of a check.
  page.setDefaultTimeout(20_000);
  const events = { console: [], errors: [], requests: [] };
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      events.console.push({ type: message.type(), text: message.text(), url: message.location().url });
    }
  });
  page.on("pageerror", (error) => events.errors.push(String(error)));
  page.on("request", (request) => events.requests.push(request.url()));
  // What the page's own policy stopped was asked of nobody; the console tells of it.
  page.on("requestfailed", (request) => {
    if (request.failure()?.errorText === "csp") {
      events.requests.splice(events.requests.indexOf(request.url()), 1);
    }
  });
  return { context, page, events, ms: await load(page, url) };
}

/** Navigates, and waits for `load` and a drawn frame. Returns the milliseconds. */
export async function load(page, url) {
  const start = performance.now();
  await page.goto(url, { waitUntil: "load" });
  await frame(page);
  return performance.now() - start;
}

/** Waits until what was changed is drawn. Not by requestAnimationFrame, which never comes where a page's JavaScript is off. */
export async function frame(page) {
  await page.screenshot({ clip: { x: 0, y: 0, width: 1, height: 1 } });
}
