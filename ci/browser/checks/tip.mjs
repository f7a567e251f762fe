// Tooltips: what a mark of a chart says in its <title>, or an element in `data-tip`, is shown in #tip by pointing at it or by the focus.

import { frame } from "../browser.mjs";

// Of each chart the first and the last mark, of the page this many charts and focusable elements: enough to see each kind.
const MOST = 6;

export const tip = {
  name: "tip",
  about: "pointing at a mark, or the focus on [data-tip], shows its text in #tip, inside the window; leaving hides it",
  feature: "tip",
  where: (cell) => cell.script && cell.theme === "light",
  async look({ page }) {
    const { marks, focusable } = await page.evaluate((most) => {
      const charts = [...document.querySelectorAll("svg.chart")].filter(tell.seen);
      const marks = charts.flatMap((chart) => {
        const own = tell.drawn(chart, "*").filter((one) => [...one.children].some((child) => child.localName === "title"));
        return own.length > 1 ? [own[0], own[own.length - 1]] : own;
      });
      const focusable = [...document.querySelectorAll("[data-tip]")].filter(tell.seen);
      const say = (all, kind, text) =>
        all.slice(0, most).map((one, idx) => {
          one.setAttribute("data-checked", `${kind}-${idx}`);
          return { at: `[data-checked="${kind}-${idx}"]`, element: tell.element(one), text: text(one) };
        });
      return {
        marks: say(marks, "mark", (one) => tell.text([...one.children].find((child) => child.localName === "title"))),
        focusable: say(focusable, "focus", (one) => one.getAttribute("data-tip").replace(/\s+/g, " ").trim()),
      };
    }, MOST);
    if (marks.length + focusable.length === 0) {
      return null;
    }
    const findings = [];
    const say = (element, expected, found) => findings.push({ element, expected, found });
    for (const { at, element, text } of marks) {
      await leave(page);
      const point = await page.evaluate(pointOn, at);
      if (!point) {
        say(element, "a point that the pointer can meet", "none: something else lies on it, or it is not painted");
        continue;
      }
      await page.mouse.move(point.x, point.y);
      judge(await state(page), element, text, "pointed at", say);
      await leave(page);
      hidden(await state(page), element, "the pointer has left", say);
    }
    for (const { at, element, text } of focusable) {
      const stop = await page.evaluate((what) => {
        const one = document.querySelector(what);
        one.focus();
        return document.activeElement === one && one.tabIndex >= 0;
      }, at);
      if (!stop) {
        say(element, "the Tab key reaches it", "it takes no focus");
        continue;
      }
      judge(await state(page), element, text, "focused", say);
      await page.evaluate(() => document.activeElement.blur());
      hidden(await state(page), element, "the focus has left", say);
    }
    return findings;
  },
};

function judge(tip, element, text, how, say) {
  if (!tip.there || !tip.shown) {
    say(element, `${how}: “${text}” in #tip`, tip.there ? "#tip is not shown" : "no #tip");
    return;
  }
  if (!tip.text.includes(text)) {
    say(element, `${how}: “${text}” in #tip`, `“${tip.text}”`);
  }
  if (tip.role !== "tooltip") {
    say("#tip", "role=tooltip", `role=${tip.role}`);
  }
  if (!tip.inside) {
    say(element, `${how}: #tip inside the window`, tip.box);
  }
}

function hidden(tip, element, when, say) {
  if (tip.shown) {
    say(element, `${when}: #tip is hidden`, `“${tip.text}” is shown`);
  }
}

/** Takes the pointer to the left edge of the window, where no mark is. */
function leave(page) {
  return page.mouse.move(0, 1);
}

/** A point of the window at which a pointer meets this element, or none. Runs in the page. */
function pointOn(at) {
  const one = document.querySelector(at);
  one.scrollIntoView({ block: "center", behavior: "instant" });
  const meets = ({ x, y }) => one.contains(document.elementFromPoint(x, y));
  const box = one.getBoundingClientRect();
  const points = [{ x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 }];
  for (const shape of [one, ...one.querySelectorAll("*")].filter((part) => part.getTotalLength)) {
    const length = shape.getTotalLength();
    for (let share = 0; share < 1; share += 0.125) {
      const { x, y } = shape.getPointAtLength(length * share).matrixTransform(shape.getScreenCTM());
      points.push({ x, y });
    }
  }
  return points.find(meets) ?? null;
}

async function state(page) {
  await frame(page);
  return page.evaluate(() => {
    const tip = document.querySelector("#tip");
    if (!tip) {
      return { there: false, shown: false };
    }
    const box = tip.getBoundingClientRect();
    return {
      there: true,
      shown: tell.seen(tip) && box.width > 0,
      text: tell.text(tip),
      role: tip.getAttribute("role"),
      inside: tell.inside(box, { left: 0, top: 0, right: innerWidth, bottom: innerHeight }),
      box: tell.box(box),
    };
  });
}
