// What changed from one contract to another, for those who call it: node openapi/changes.mjs BEFORE AFTER
// A line of JSON for each change: whether it breaks callers, what was done, and where. Words for people are no change.
import { readFileSync } from "node:fs";
import { apiDiff } from "api-smart-diff";

const [before, after] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, "utf8")));
for (const { type, action, path } of apiDiff(before, after)) {
  // Components count where an operation uses them.
  if (path[0] === "paths" && (type === "breaking" || type === "non-breaking")) {
    console.log(JSON.stringify({ breaking: type === "breaking", action, path: path.slice(1).join(" ") }));
  }
}
