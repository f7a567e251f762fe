// What a chart must be: named, in its place, whole, and legible.

const named = {
  name: "chart-named",
  about: "a chart is an image with a title and a description; a figure holds one chart, or says that there is nothing",
  look({ page }) {
    return page.evaluate(() => {
      const findings = [];
      const say = (element, expected, found) => findings.push({ element: tell.element(element), expected, found });
      for (const chart of document.querySelectorAll("svg.chart")) {
        if (chart.getAttribute("role") !== "img") {
          say(chart, "role=img", `role=${chart.getAttribute("role")}`);
        }
        if (!chart.closest("figure")) {
          say(chart, "a figure around it", "none");
        }
        for (const name of ["title", "desc"]) {
          const own = [...chart.children].find((child) => child.localName === name);
          if (!own || !tell.text(own)) {
            say(chart, `a <${name}> with text`, own ? "an empty one" : "none");
          }
        }
      }
      for (const figure of document.querySelectorAll("figure")) {
        const n = figure.querySelectorAll("svg.chart").length;
        const nothing = figure.querySelectorAll("p.nothing").length;
        if (n + nothing !== 1) {
          say(figure, "one svg.chart or one p.nothing", `${n} and ${nothing}`);
        }
      }
      return findings;
    });
  },
};

const place = {
  name: "chart-place",
  about: "a chart is seen, has a size, and lies inside its figure and the window's width",
  look({ page }) {
    return page.evaluate(() => {
      const findings = [];
      for (const chart of document.querySelectorAll("svg.chart")) {
        const say = (expected, found) => findings.push({ element: tell.element(chart), expected, found });
        const box = chart.getBoundingClientRect();
        if (!tell.seen(chart) || box.width < 1 || box.height < 1) {
          say("to be seen, with a size", `${box.width.toFixed(0)} × ${box.height.toFixed(0)} px, ${tell.seen(chart) ? "seen" : "not seen"}`);
          continue;
        }
        const figure = chart.closest("figure")?.getBoundingClientRect();
        if (figure && !tell.inside(box, figure)) {
          say(`inside its figure: ${tell.box(figure)}`, tell.box(box));
        }
        if (box.left < -1 || box.right > innerWidth + 1) {
          say(`inside the window: x 0…${innerWidth}`, tell.box(box));
        }
      }
      return findings;
    });
  },
};

const inside = {
  name: "chart-inside",
  about: "every text and shape of a chart lies inside its box",
  look({ page }) {
    return page.evaluate(() => {
      const findings = [];
      for (const chart of document.querySelectorAll("svg.chart")) {
        const outer = chart.getBoundingClientRect();
        const shapes = "text, circle, ellipse, path, rect, line, polyline, polygon, image, use";
        for (const one of tell.drawn(chart, shapes)) {
          const box = one.getBoundingClientRect();
          if (!tell.inside(box, outer)) {
            findings.push({ element: tell.element(one), expected: `inside the chart: ${tell.box(outer)}`, found: tell.box(box) });
          }
        }
      }
      return findings;
    });
  },
};

const overlap = {
  name: "chart-overlap",
  about: "no two texts of a chart lie on each other by more than 2 px",
  look({ page }) {
    return page.evaluate(() => {
      const findings = [];
      for (const chart of document.querySelectorAll("svg.chart")) {
        const texts = tell.drawn(chart, "text").filter((one) => tell.text(one));
        const boxes = texts.map((one) => one.getBoundingClientRect());
        texts.forEach((one, a) => {
          for (let b = a + 1; b < texts.length; b += 1) {
            const wide = Math.min(boxes[a].right, boxes[b].right) - Math.max(boxes[a].left, boxes[b].left);
            const high = Math.min(boxes[a].bottom, boxes[b].bottom) - Math.max(boxes[a].top, boxes[b].top);
            if (wide > 2 && high > 2) {
              const found = `${wide.toFixed(1)} × ${high.toFixed(1)} px of “${tell.text(texts[b])}” on it`;
              findings.push({ element: tell.element(one), expected: "no other text on it", found });
            }
          }
        });
      }
      return findings;
    });
  },
};

const contrast = {
  name: "chart-contrast",
  about: "a chart's text stands out from what lies behind it by 4.5 to 1 (axe does not judge text in SVG)",
  look({ page }) {
    return page.evaluate(() => {
      const findings = [];
      for (const chart of document.querySelectorAll("svg.chart")) {
        const shapes = tell.drawn(chart, "path, rect, polygon, circle, ellipse");
        for (const text of tell.drawn(chart, "text").filter((one) => tell.text(one))) {
          const box = text.getBoundingClientRect();
          const centre = new DOMPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
          let ground = tell.ground();
          for (const shape of shapes) {
            const before = shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING;
            const style = getComputedStyle(shape);
            if (before && style.fill !== "none" && shape.isPointInFill(centre.matrixTransform(shape.getScreenCTM().inverse()))) {
              ground = tell.over(tell.colour(style.fill), ground, style.fillOpacity * style.opacity);
            }
          }
          const style = getComputedStyle(text);
          const ink = tell.over(tell.colour(style.fill), ground, style.fillOpacity * style.opacity);
          const found = tell.contrast(ink, ground);
          if (found < 4.5) {
            findings.push({ element: tell.element(text), expected: "a contrast of at least 4.5", found: found.toFixed(2) });
          }
        }
      }
      return findings;
    });
  },
};

export const CHARTS = [named, place, inside, overlap, contrast];
