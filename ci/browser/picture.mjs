// The top of a page as a picture, for the README.
// In: --page FILE.html --out FILE.png [--height 1400]. Out: 1280 px wide, light, cut between two blocks at or above that height.

import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { cell, frame, launch, open } from "./browser.mjs";

// A README that is slow to read is not read.
const MOST_BYTES = 400_000;

async function main() {
  const string = { type: "string" };
  const { values } = parseArgs({ options: { page: string, out: string, height: { type: "string", default: "1400" } } });
  const height = Number(values.height);
  if (!values.page || !values.out || !Number.isInteger(height) || height < 200 || height > 4000) {
    throw new Error("expected --page FILE.html --out FILE.png and a --height of 200 to 4000");
  }
  if (!existsSync(values.page)) {
    throw new Error(`${values.page}: expected a page, found no file`);
  }
  const browser = await launch();
  try {
    const { page } = await open(browser, pathToFileURL(resolve(values.page)).href, cell(true, "light", 1280));
    const cut = await page.evaluate(lastGap, height);
    await page.setViewportSize({ width: 1280, height: cut });
    await frame(page);
    await page.screenshot({ path: values.out });

    const size = statSync(values.out).size;
    if (size > MOST_BYTES) {
      throw new Error(`${values.out}: expected at most ${MOST_BYTES} bytes, found ${size}: take a lower --height`);
    }
    console.log(`${values.out}: 1280 × ${cut} px, ${size} bytes`);
  } finally {
    await browser.close();
  }
}

/** The lowest line at or above `most` that cuts through no row, figure, heading or paragraph. Runs in the page. */
function lastGap(most) {
  const blocks = [...document.querySelectorAll("tr, figure, h1, h2, h3, p, li, dl, pre, summary")]
    .map((block) => block.getBoundingClientRect())
    .filter((box) => box.height > 0);
  const page = Math.ceil(document.documentElement.getBoundingClientRect().bottom);
  if (page <= most) {
    return page;
  }
  for (let line = most; line > most / 2; line -= 1) {
    if (!blocks.some((box) => box.top < line && box.bottom > line)) {
      return line;
    }
  }
  return most;
}

try {
  await main();
} catch (error) {
  console.error(`ci/browser/picture.mjs: ${error.message}`);
  process.exitCode = 1;
}
