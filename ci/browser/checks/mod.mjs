// The register of checks, in the order they run: those that only look come first, those that change the page last.
//
// A check: `name`, `about`, `where(cell)` (left out: in every cell), and one of
// - `look({ page, events, cell, ms, url })`: findings in one cell, none if all is well; null where the page has nothing of the kind,
//   which is red if `feature` is required of it;
// - `collect(page)` in each cell and `judge(collected)` over all of them: findings.
// A finding: { element, expected, found }.

import { accessible } from "./accessible.mjs";
import { CHARTS } from "./chart.mjs";
import { deadControls, sameContent } from "./content.mjs";
import { filter } from "./filter.mjs";
import { overflow, theme } from "./layout.mjs";
import { print } from "./print.mjs";
import { CALM } from "./calm.mjs";
import { sort } from "./sort.mjs";
import { speed } from "./speed.mjs";
import { tip } from "./tip.mjs";

export const CHECKS = [...CALM, ...CHARTS, overflow, theme, sameContent, deadControls, accessible, tip, filter, sort, print, speed];

/** What `--require` may name. */
export const FEATURES = CHECKS.map((check) => check.feature).filter(Boolean);
