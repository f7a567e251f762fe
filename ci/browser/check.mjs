// The pages of this repository, or those named, in a browser: a line for each, a line for each thing that is wrong, a sum.
// In: [--require sort,filter,tip] [FILE.html…]; no file: all of pages.mjs. Out: exit 0 if nothing failed; pictures beside.

import { existsSync, mkdirSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { CELLS, launch } from "./browser.mjs";
import { FEATURES } from "./checks/mod.mjs";
import { inspect, lines } from "./inspect.mjs";
import { make } from "./pages.mjs";

const out = process.env.BROWSER_OUT;

function asked() {
  const { values, positionals } = parseArgs({ options: { require: { type: "string", default: "" } }, allowPositionals: true });
  const required = values.require.split(",").filter(Boolean);
  const unknown = required.find((feature) => !FEATURES.includes(feature));
  if (unknown) {
    throw new Error(`--require: expected some of ${FEATURES.join(", ")}, found ${unknown}`);
  }
  const gone = positionals.find((file) => !existsSync(file));
  if (gone) {
    throw new Error(`${gone}: expected a page, found no file`);
  }
  const named = positionals.map((file) => ({
    name: basename(file).replace(/\.html$/, ""),
    url: pathToFileURL(resolve(file)).href,
    required: [],
  }));
  const pages = named.length > 0 ? named : make(join(out, "pages"));
  return pages.map((page) => ({ ...page, required: [...page.required, ...required] }));
}

async function main() {
  const pages = asked();
  const shots = join(out, "shots");
  rmSync(shots, { recursive: true, force: true });
  mkdirSync(shots, { recursive: true });
  const browser = await launch();
  let n_passed = 0;
  let n_failed = 0;
  for (const { name, url, required } of pages) {
    const shot = ({ script, theme, width }) => join(shots, `${name}-${script ? "" : "no-script-"}${theme}-${width}.png`);
    const result = await inspect(browser, { url, cells: CELLS, required, shots: shot });
    for (const line of lines(name, result.failed)) {
      console.log(line);
    }
    console.log(
      `${name}: ${result.n_passed} checks passed, ${result.failed.length} failed in ${CELLS.length} cells; loaded and drawn in ${(result.worst_ms / 1000).toFixed(2)} s at the slowest`,
    );
    n_passed += result.n_passed;
    n_failed += result.failed.length;
  }
  await browser.close();
  console.log(`browser: ${n_passed} checks passed, ${n_failed} failed; pictures in ${shots}`);
  return n_failed === 0 && n_passed > 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`ci/browser/check.mjs: ${error.message}`);
  process.exit(1);
}
