// The pages that are checked, and how they are made: by the examples of `tritgate-reports`, from scripted sessions.

import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** One page a row: its name, the example, what follows OUT.html on its command line, the features it must have. */
const PAGES = [
  { name: "sample", example: "sample_page", args: [], required: ["sort"] },
  { name: "sample-slower", example: "sample_page", args: ["1.25"], required: ["sort"] },
  { name: "sample-first", example: "sample_page", args: ["1.0", "0"], required: ["sort"] },
  { name: "history", example: "sample_history", args: ["typical"], required: ["sort", "filter", "tip"] },
  { name: "history-hostile", example: "sample_history", args: ["hostile"], required: ["sort", "filter", "tip"] },
  { name: "history-mixed", example: "sample_history", args: ["mixed"], required: ["sort", "filter", "tip"] },
  { name: "history-empty", example: "sample_history", args: ["empty"], required: [] },
  { name: "history-one", example: "sample_history", args: ["one"], required: ["sort", "filter", "tip"] },
  { name: "history-years", example: "sample_history", args: ["years"], required: ["sort", "filter", "tip"] },
  { name: "history-session", example: "sample_history", args: ["session"], required: ["sort", "filter", "tip"] },
  { name: "triage", example: "sample_triage", args: ["typical"], required: ["sort"] },
  { name: "triage-hostile", example: "sample_triage", args: ["hostile"], required: ["sort"] },
  { name: "triage-silent", example: "sample_triage", args: ["silent"], required: ["sort"] },
  { name: "triage-counted", example: "sample_triage", args: ["counted"], required: ["sort"] },
  { name: "triage-refused", example: "sample_triage", args: ["refused"], required: [] },
];

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Makes all pages in `folder`. Returns [{ name, url, required }]. */
export function make(folder) {
  mkdirSync(folder, { recursive: true });
  const built = new Map();
  return PAGES.map(({ name, example, args, required }) => {
    if (!built.has(example)) {
      built.set(example, build(example));
    }
    const file = join(folder, `${name}.html`);
    run(built.get(example), [file, ...args]);
    return { name, url: pathToFileURL(file).href, required };
  });
}

/** The path of a built example. As the whole workspace is tested: nothing is built twice. */
function build(example) {
  const line = ["build", "--workspace", "--example", example, "--message-format", "json-render-diagnostics"];
  for (const message of run("cargo", line).split("\n").filter(Boolean).map(JSON.parse)) {
    if (message.executable && message.target.name === example) {
      return message.executable;
    }
  }
  throw new Error(`cargo build --example ${example}: expected an executable, found none: is it an example of tritgate-reports?`);
}

function run(program, args) {
  const { status, stdout, error } = spawnSync(program, args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (error || status !== 0) {
    throw new Error(`${program} ${args.join(" ")}: expected exit code 0, found ${error?.message ?? status}`);
  }
  return stdout;
}
