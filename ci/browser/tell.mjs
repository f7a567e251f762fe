// Words for what is in a page: put into it once, used by all checks.

/** Gives the page `tell`, which the functions that checks run inside it call. */
export function install(page) {
  return page.evaluate(() => {
    const tell = {};
    /** An element, as a person would point it out: the nearest id above it, the tags on the way, the start of its text. */
    tell.element = (element) => {
      const way = [];
      for (let at = element; at && at !== document.body; at = at.parentElement) {
        if (at.id) {
          way.unshift(`${at.localName}#${at.id}`);
          break;
        }
        const like = at.parentElement ? [...at.parentElement.children].filter((one) => one.localName === at.localName) : [];
        way.unshift(like.length > 1 ? `${at.localName}:nth-of-type(${like.indexOf(at) + 1})` : at.localName);
      }
      const chart = element.closest("svg.chart");
      const title = chart && chart.querySelector("desc")?.id;
      const text = element === chart ? "" : tell.text(element).slice(0, 40);
      return `${title ? `chart ${title.replace(/-desc$/, "")}: ` : ""}${way.join(" > ") || element.localName}${text ? ` “${text}”` : ""}`;
    };
    tell.text = (element) => element.textContent.replace(/\s+/g, " ").trim();
    tell.seen = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    tell.box = (box) => `x ${box.left.toFixed(1)}…${box.right.toFixed(1)}, y ${box.top.toFixed(1)}…${box.bottom.toFixed(1)}`;
    /** True if `inner` leaves `outer` nowhere by more than a pixel. */
    tell.inside = (inner, outer) =>
      inner.left >= outer.left - 1 && inner.right <= outer.right + 1 && inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
    /** What a chart draws: no definitions, nothing without a box. */
    tell.drawn = (chart, what) =>
      [...chart.querySelectorAll(what)].filter(
        (one) => !one.closest("defs, clipPath, marker, mask, pattern, symbol") && one.getClientRects().length > 0 && tell.seen(one),
      );
    // One pixel of a canvas knows every notation of a colour.
    const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    /** A computed colour as [red, green, blue, opacity], each 0…1. */
    tell.colour = (text) => {
      pixel.clearRect(0, 0, 1, 1);
      pixel.fillStyle = text;
      pixel.fillRect(0, 0, 1, 1);
      return [...pixel.getImageData(0, 0, 1, 1).data].map((part) => part / 255);
    };
    /** `above`, let through by `opacity`, over `below`. */
    tell.over = (above, below, opacity = 1) => {
      const share = above[3] * opacity;
      return [0, 1, 2].map((idx) => above[idx] * share + below[idx] * (1 - share)).concat(1);
    };
    /** Relative luminance and contrast as WCAG 2 defines them. */
    tell.luminance = (colour) => {
      const [red, green, blue] = colour.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    tell.contrast = (a, b) => {
      const [dark, bright] = [tell.luminance(a), tell.luminance(b)].sort((x, y) => x - y);
      return (bright + 0.05) / (dark + 0.05);
    };
    /** The page's own ground; a browser's is white. */
    tell.ground = () =>
      [document.documentElement, document.body].reduce(
        (ground, element) => tell.over(tell.colour(getComputedStyle(element).backgroundColor), ground),
        [1, 1, 1, 1],
      );
    globalThis.tell = tell;
  });
}
