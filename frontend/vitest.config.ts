import { defineConfig } from "vitest/config";

/** What runs in Node; `e2e/` runs in a browser, by Playwright. */
export default defineConfig({ test: { include: ["test/**/*.test.ts"], testTimeout: 60_000 } });
