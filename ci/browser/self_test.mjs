// The checks themselves: a page without a fault passes all of them, and each planted fault is found by the check it is for, alone.
// In: faults/. Out: exit 0, or the faults that were missed, and what was found beyond them.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { launch } from "./browser.mjs";
import { CHECKS, FEATURES } from "./checks/mod.mjs";
import { CLEAN_CELLS, FAULTS } from "./faults/mod.mjs";
import { inspect, lines } from "./inspect.mjs";

const clean = readFileSync(new URL("faults/clean.html", import.meta.url), "utf8");

/** The clean page with its one fault. */
function planted({ what, from, to }) {
  const n = typeof from === "string" ? clean.split(from).length - 1 : Number(from.test(clean));
  if (n !== 1) {
    throw new Error(`fault “${what}”: expected its place in faults/clean.html once, found it ${n} times: ${from}`);
  }
  return clean.replace(from, typeof to === "string" && typeof from === "string" ? () => to : to);
}

/** What is wrong with the outcome of one fault; empty if nothing is. */
function judge({ check, what }, { failed }) {
  const others = failed.filter((one) => one.check !== check);
  const missed = failed.length === others.length ? [`fault “${what}”: expected \`${check}\` to find it, found nothing by it`] : [];
  return [...missed, ...lines(`fault “${what}”: expected \`${check}\` alone`, others)];
}

async function main() {
  const wrong = [];
  for (const { name } of CHECKS) {
    if (!FAULTS.some(({ check }) => check === name)) {
      wrong.push(`check \`${name}\`: expected a planted fault in faults/mod.mjs, found none`);
    }
  }
  const folder = join(process.env.BROWSER_OUT, "faults");
  mkdirSync(folder, { recursive: true });
  const keep = (name, text) => {
    const file = join(folder, `${name}.html`);
    writeFileSync(file, text);
    return pathToFileURL(file).href;
  };

  const browser = await launch();
  const { failed } = await inspect(browser, { url: keep("clean", clean), cells: CLEAN_CELLS, required: FEATURES });
  wrong.push(...lines("the page without a fault", failed));
  // Two at a time: half of the time goes into waiting for the browser.
  const left = FAULTS.map((fault, idx) => ({ ...fault, url: keep(`${idx}-${fault.check}`, planted(fault)) }));
  const work = async () => {
    for (let fault = left.shift(); fault; fault = left.shift()) {
      wrong.push(...judge(fault, await inspect(browser, fault)));
    }
  };
  await Promise.all([work(), work()]);
  await browser.close();

  for (const line of wrong) {
    console.log(line);
  }
  console.log(`browser, planted faults: ${FAULTS.length} for ${CHECKS.length} checks, ${wrong.length} line(s) of what is wrong`);
  return wrong.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`ci/browser/self_test.mjs: ${error.stack}`);
  process.exit(1);
}
