/** Swagger UI of every service, in a real browser: `SERVICES` holds their addresses and keys as JSON. */

import { expect, type Locator, type Page, test } from "@playwright/test";

interface Service {
  name: string;
  url: string;
  key: string;
  /** The operation to try, with the example that the contract gives. */
  operationId: string;
  status: number;
  /** Something that a good answer holds. */
  answer: string;
}

const services = JSON.parse(process.env.SERVICES ?? "[]") as Service[];
const shots = process.env.E2E_SHOTS_DIR;

if (services.length === 0) throw new Error("SERVICES is not set");

for (const service of services) {
  test.describe(service.name, () => {
    let elsewhere: string[];
    let complaints: string[];

    test.beforeEach(async ({ page }) => {
      [elsewhere, complaints] = [[], []];
      page.on("request", (request) => {
        const local = request.url().startsWith(`${service.url}/`) || request.url().startsWith("data:");
        if (!local) elsewhere.push(request.url());
      });
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("console", (message) => {
        const refusal = message.text().includes("status of 401");
        if (message.type() === "error" && !refusal) complaints.push(message.text());
      });
      await page.goto(`${service.url}/docs`);
      await expect(page.locator(".opblock").first()).toBeVisible();
    });

    test.afterEach(() => {
      expect(elsewhere, "every request stays at the service").toEqual([]);
      expect(complaints, "the browser has nothing to complain of").toEqual([]);
    });

    test("shows every operation of the contract", async ({ page, request }) => {
      const contract = (await (await request.get(`${service.url}/openapi.json`)).json()) as {
        info: { title: string };
        paths: Record<string, Record<string, { operationId?: string }>>;
      };
      const operations = Object.values(contract.paths).flatMap((path) =>
        Object.values(path).flatMap((operation) => operation.operationId ?? []),
      );
      await expect(page.locator(".info .title")).toContainText(contract.info.title);
      for (const operationId of operations) {
        await expect(block(page, operationId)).toHaveCount(1);
      }
      await expect(page.locator(".opblock")).toHaveCount(operations.length);
    });

    test("has a working Authorize and Try it out", async ({ page }) => {
      const operation = await tried(page, service.operationId);
      await expect(operation.locator(".opblock-description")).toContainText(/x-(required-role|callers): \w/);
      await execute(operation, 401);

      await authorize(page, service.key);
      await execute(operation, service.status);
      await expect(operation.locator(".live-responses-table .microlight").first()).toContainText(service.answer);
      if (shots !== undefined) await page.screenshot({ path: `${shots}/${service.name}.png`, fullPage: true });
    });
  });
}

function block(page: Page, operationId: string): Locator {
  return page.locator(`.opblock[id$="-${operationId}"]`);
}

async function tried(page: Page, operationId: string): Promise<Locator> {
  const operation = block(page, operationId);
  await operation.locator(".opblock-summary-control").click();
  await operation.locator("button.try-out__btn").click();
  return operation;
}

/** Send the request as it is filled in with the contract's example. */
async function execute(operation: Locator, status: number): Promise<void> {
  await operation.locator("button.execute").click();
  await expect(operation.locator(".live-responses-table tbody td.response-col_status")).toContainText(String(status));
}

/** Give the key to the scheme that has the caret, which every service takes alone. */
async function authorize(page: Page, key: string): Promise<void> {
  await page.locator("button.authorize").click();
  const scheme = page.locator(".dialog-ux .auth-container").last();
  await expect(scheme).toContainText("Key (http, Bearer)");
  await expect(scheme.locator("input")).toBeFocused();
  await scheme.locator("input").fill(key);
  await scheme.locator("button.authorize").click();
  await expect(scheme.getByText("Authorized", { exact: true })).toBeVisible();
  await page.locator(".dialog-ux button.btn-done").first().click();
  await expect(page.locator(".dialog-ux")).toHaveCount(0);
}
