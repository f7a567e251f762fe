// One page, opened in every cell, held to every check.
// In: a browser, the page's address, the cells, what is required. Out: which checks passed, what was found, how long a load took.

import { frame, open } from "./browser.mjs";
import { CHECKS } from "./checks/mod.mjs";
import { install } from "./tell.mjs";

/**
 * `required`: features whose absence is a finding. `shots(cell)`: where to keep a picture of the page in a cell, or nothing.
 * Returns { n_passed, failed: [{ check, cell, findings }], worst_ms }; a check that has nothing to look at counts nowhere.
 */
export async function inspect(browser, { url, cells, required = [], shots = () => null }) {
  const result = { n_passed: 0, failed: [], worst_ms: 0 };
  const note = (check, cell, findings) => {
    if (findings.length === 0) {
      result.n_passed += 1;
    } else {
      result.failed.push({ check: check.name, cell: cell.name, findings });
    }
  };
  const collected = new Map(CHECKS.filter((check) => check.judge).map((check) => [check, new Map()]));
  for (const cell of cells) {
    const { context, page, events, ms } = await open(browser, url, cell);
    result.worst_ms = Math.max(result.worst_ms, ms);
    await install(page);
    const shot = shots(cell);
    if (shot) {
      await page.screenshot({ path: shot, fullPage: true });
      // A picture of the whole page makes the window as high as the page for a while.
      await frame(page);
    }
    for (const check of CHECKS.filter(({ where }) => !where || where(cell))) {
      if (check.judge) {
        collected.get(check).set(cell, await check.collect(page));
        continue;
      }
      const findings = await check.look({ page, events, cell, ms, url, shot });
      if (findings) {
        note(check, cell, findings);
      } else if (required.includes(check.feature)) {
        note(check, cell, [{ element: "page", expected: `something for \`${check.feature}\`, which is required`, found: "nothing" }]);
      }
    }
    await context.close();
  }
  for (const [check, looks] of collected) {
    const findings = check.judge(looks);
    for (const cell of cells.filter((one) => !one.script)) {
      note(check, cell, findings.filter((finding) => finding.cell === cell));
    }
  }
  return result;
}

/** The words of what failed on a page: what is wrong in several cells is said once, and of each check a few things. */
export function lines(page, failed) {
  const most = 5;
  const said = new Map();
  for (const { check, cell, findings } of failed) {
    const places = said.get(check) ?? said.set(check, new Map()).get(check);
    for (const finding of findings) {
      const place = places.get(finding.element) ?? places.set(finding.element, { ...finding, cells: new Set() }).get(finding.element);
      place.cells.add(cell);
    }
  }
  return [...said].flatMap(([check, places]) => {
    const all = [...places.values()].map(({ element, expected, found, cells }) => {
      const [first, ...others] = cells;
      const where = others.length > 0 ? `${first}, and in ${others.length} more cell(s)` : first;
      return `${page}: ${check} (${where}): ${element}: expected ${expected}, found ${found}`;
    });
    const rest = all.length > most ? [`${page}: ${check}: … and ${all.length - most} more`] : [];
    return [...all.slice(0, most), ...rest];
  });
}
