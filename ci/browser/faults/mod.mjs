// The planted faults: each is one edit of clean.html that one check, and no other, must find.
// A row: the check, what is wrong, what is replaced by what; the cells to look in where one is not enough or it is not the usual
// one; what is required of the page.

import { cell } from "../browser.mjs";

const DESK = cell(true, "light", 1280);
const PHONE = cell(true, "light", 400);
const DARK = cell(true, "dark", 1280);
const PLAIN = cell(false, "light", 1280);

const fault = (check, what, from, to, cells = [DESK], required = []) => ({ check, what, from, to, cells, required });
const script = (text) => ["</body>", `<script>${text}</script></body>`];
const style = (text) => ["</style>", `${text}</style>`];

/** The cells in which the clean page must be clean. */
export const CLEAN_CELLS = [DESK, PHONE, DARK, PLAIN];

export const FAULTS = [
  fault("quiet", "an error on the console", ...script("console.error('planted')")),
  fault("quiet", "a warning on the console", ...script("console.warn('planted')")),
  fault("quiet", "an error of a script", ...script("setTimeout(() => { throw new Error('planted'); })")),
  fault("quiet", "something that the page's own policy forbids", "</main>", "<img alt=\"\" src=\"https://example.invalid/a.png\"></main>"),
  // The reserved name of RFC 2606: no such host exists, and the browser is offline besides.
  fault("alone", "a picture from elsewhere", /img-src data:">([^]*)<\/main>/, 'img-src data: https:">$1<img alt="" src="https://example.invalid/a.png"></main>'),
  fault("policy", "no Content-Security-Policy", /<meta http-equiv[^>]*>/, ""),
  fault("policy", "a policy that allows all it does not name", "default-src 'none'; ", ""),
  fault("chart-named", "no title, only a label", /aria-labelledby="one-title"(.*)\n<title.*?<\/title>/, 'aria-label="Trend"$1\n'),
  fault("chart-named", "an empty description", "Two points.</desc>", "</desc>"),
  fault("chart-named", "a figure with nothing in it", '<p class="nothing">No history.</p>', ""),
  fault("chart-place", "a chart wider than its figure", ...style("figure{max-width:300px}.chart{width:400px}")),
  fault("chart-place", "a chart without a size", ...style(".chart{height:0;overflow:hidden;visibility:hidden}")),
  fault("chart-inside", "a text outside of the chart", '<text x="320" y="20">second', '<text x="380" y="20">second'),
  fault("chart-inside", "a point above the chart", '<circle cx="20" cy="60" r="6">', '<circle cx="20" cy="3" r="6">'),
  fault("chart-overlap", "two texts on each other", '<text x="320"', '<text x="24"'),
  fault("chart-contrast", "a pale text", '<text x="320"', '<text style="fill:#bbb" x="320"'),
  fault("chart-contrast", "a text on a dark band", '<text x="8"', '<path d="M0 0H100V30H0z" fill="#444"/><text x="8"'),
  fault("overflow", "a paragraph wider than a phone", ...style("p{min-width:600px}"), [PHONE]),
  fault("theme", "no dark colours", /@media screen and[^\n]*\n/, "", [DARK]),
  fault("theme", "dark in the light", /(--paper:#fff;--ink:#1b1b1b;--mark:#006aa6)(.*?)(--paper:#15171a;--ink:#e9e9e6;--mark:#56b4e9)/s, "$3$2$3"),
  fault(
    "same-content",
    "a row that only a script shows",
    /<tr data-name="load\/time">([^]*)<\/script>/,
    '<tr class="late" hidden data-name="load/time">$1document.querySelector(".late").hidden = false;</script>',
    [DESK, PLAIN],
  ),
  fault("same-content", "words that only a script writes", ...script("document.querySelector('main').append(Object.assign(document.createElement('p'), {textContent: 'late'}))"), [DESK, PLAIN]),
  fault("dead-controls", "a button that does nothing without a script", "</main>", "<button type=\"button\">Sort</button></main>", [PLAIN]),
  fault("accessible", "a pale paragraph", "<p>Every fault", '<p style="color:#bbb">Every fault'),
  fault("accessible", "a pale paragraph in the dark", "<p>Every fault", '<p style="color:#595959">Every fault', [DARK]),
  fault("accessible", "a picture without words", "</main>", '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="></main>'),
  fault("tip", "the text of another mark", '?.querySelector("title").textContent', ' && "first: 12 ms"'),
  fault("tip", "nothing for the keyboard", '"focusin"', '"mousein"'),
  fault("tip", "a tip that stays", "tip.textContent = text; tip.hidden = !text;", "if (text) { tip.textContent = text; tip.hidden = false; }"),
  fault("tip", "a tip outside of the window", "left:0;bottom:0", "left:0;top:100%"),
  fault("tip", "a mark that something lies on", "</svg>", '<rect width="400" height="100" fill="transparent"/></svg>'),
  fault("filter", "nothing is hidden", "one.hidden = !", "one.hidden = one.hidden && "),
  fault("filter", "hidden, and still seen", ...style("tr[hidden]{display:table-row}")),
  fault("filter", "capitals are other letters", "input.value.toLowerCase()", "input.value"),
  fault("filter", "a wrong number", "!one.hidden).length", "one.hidden).length + 7"),
  fault("filter", "a field without a label to see", '"Show ", input', 'Object.assign(input, { ariaLabel: "Show" })'),
  fault("filter", "required, and not there", /<div id="filter"><\/div>([^]*)document.querySelector\("#filter"\).append\(label, said\);/, "$1", [DESK], ["filter"]),
  fault("sort", "nothing is sorted", "body.append(...rows);", ""),
  fault("sort", "numbers sorted as text", "(numbers ? ", "(false ? "),
  fault("sort", "nothing takes part as a number", "last(a) - last(b) || ", ""),
  fault("sort", "one direction only", 'head.ariaSort === "ascending" ? "descending" : ', ""),
  fault("sort", "no word of the direction", 'head.setAttribute("aria-sort", way);', ""),
  fault("sort", "the direction of the last column stays", 'for (const other of heads) other.removeAttribute("aria-sort");', ""),
  fault("sort", "a row that is lost", "body.append(...rows);", "body.append(...rows); body.rows[0].remove();"),
  fault("sort", "nothing for the keyboard", 'button.addEventListener("click", () => {', 'button.addEventListener("click", ({ detail }) => { if (detail === 0 && document.activeElement === button) return;'),
  fault("sort", "required, and not there", "<table data-sort>", "<table>", [DESK], ["sort"]),
  fault("print", "sections that paper lacks", ...style("@media print{section{display:none}}")),
  fault("speed", "a script that takes its time", ...script("const start = Date.now(); while (Date.now() - start < 2200);")),
];
