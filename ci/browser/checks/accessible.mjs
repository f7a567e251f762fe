// What axe finds, where it calls it serious or critical: contrast, names, roles, order, focus.

import { axeSource } from "../browser.mjs";

export const accessible = {
  name: "accessible",
  about: "axe-core finds nothing serious or critical",
  // axe is itself a script.
  where: (cell) => cell.script,
  async look({ page }) {
    await page.evaluate(axeSource);
    const violations = await page.evaluate(async () => {
      const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
      return violations;
    });
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, impact, help, nodes }) =>
        nodes.map((node) => ({
          element: node.target.join(" "),
          expected: `${help} (axe: ${id})`,
          found: `${impact}: ${node.failureSummary.replace(/\s+/g, " ").replace(/^Fix (any|all) of the following: /, "")}`,
        })),
      );
  },
};
