/** Requests and Logs in a browser: a list that is read does not jump, a mistake is said at the filter, and every row leads on. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeTraces } from '../../support/page/fake-stack.ts';
import { buildPage, CHROMIUM, openPage, startBrowser } from '../../support/page/page-browser.ts';
import { startPageServer } from '../../support/page/page-server.ts';
import { ArrayRecords } from '../../support/records/array-records.ts';
import { lineOf } from '../../support/records/plain-records.ts';
import { until } from '../../support/until.ts';

if (CHROMIUM === undefined) console.log('skipped: the page tests need Chromium');

describe.skipIf(CHROMIUM === undefined)('requests and logs', () => {
  let browser: Browser;
  beforeAll(async () => {
    buildPage();
    browser = await startBrowser();
  });
  afterAll(async () => browser?.close());

  it('lead from a point of the chart to the requests of that moment, the trace and its lines', async () => {
    await using server = await startPageServer();
    await using opened = await openPage(
      browser,
      server.url,
      `/requests?q=trace:${fakeTraces(0)[0].id}&from=now-1h&to=now`,
    );
    const { page, troubles } = opened;
    const bar = page.locator('.count-bars .step:has(.f-crit-mark)').first();
    await bar.locator('.f-crit-mark').click();
    await page.waitForURL(/from=\d+/);
    await page.locator('.request-rows .links a').first().click();
    await page.waitForURL(/\/traces\/[0-9a-f]{32}/);
    expect(new URL(page.url()).searchParams.get('from')).toMatch(/^\d+$/);
    await page.goBack();
    await page.locator('.request-rows [data-row]').first().click();
    await page.locator('.one-request a', { hasText: 'Its lines' }).click();
    await page.locator('.log-lines .line').first().waitFor();
    expect(new URL(page.url()).searchParams.get('q')).toMatch(/^trace:/);
    expect(troubles).toEqual([]);
  });

  it('lead from a box around requests to their traces and to what tells them from the others', async () => {
    await using server = await startPageServer();
    await using opened = await openPage(browser, server.url, '/requests?from=now-1h&to=now');
    const { page, troubles } = opened;
    const chart = page.locator('.scatter svg');
    await chart.locator('a').first().waitFor();
    await chart.scrollIntoViewIfNeeded();
    const { x, y, width, height } = (await chart.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    await page.mouse.move(x + 54, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width - 2, y + 2, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/\/traces\?.*box=/);
    await page.locator('.trace-list .sub', { hasText: 'in the box' }).waitFor();
    await page.locator('.differs tbody tr').first().waitFor();
    expect(troubles).toEqual([]);
  });

  it('say what tells the slow traces from the others, in a box that is drawn', async () => {
    await using server = await startPageServer();
    await using opened = await openPage(browser, server.url, '/traces');
    const { page, troubles } = opened;
    const chart = page.locator('.scatter svg');
    const { x, y, width } = (await chart.boundingBox()) ?? { x: 0, y: 0, width: 0 };
    await page.mouse.move(x + 60, y + 100);
    await page.mouse.down();
    await page.mouse.move(x + width - 4, y + 10, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/box=/);
    await page.locator('.differs tbody tr').first().getByText('gold').waitFor();
    const boxed = page.locator('.trace-list h2');
    await page.locator('.trace-list .sub', { hasText: 'in the box' }).waitFor();
    expect(Number.parseInt((await boxed.textContent()) ?? '', 10)).toBeLessThan(20);
    await page.locator('.differs tbody button').first().click();
    await page.waitForURL(/q=user\.tier%3Agold/);
    expect(new URL(page.url()).searchParams.has('box')).toBe(false);
    expect(troubles).toEqual([]);
  });

  it('lead from an error to a trace of it, and take a resolution back', async () => {
    await using server = await startPageServer();
    await using opened = await openPage(browser, server.url, '/errors');
    const { page, troubles } = opened;
    await page.locator('.issues a').first().click();
    await page.waitForURL(/\/errors\/[0-9a-f]+/);
    await page.getByRole('button', { name: 'Resolve' }).click();
    await page.locator('.one-request .w-ok').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Resolve' }).waitFor();
    await page.getByText('Open a trace of it').click();
    await page.waitForURL(/\/traces\/[0-9a-f]{32}/);
    await page.goto(`${server.url}/map`);
    await page.locator('.call-map .node').first().waitFor();
    const all = await page.locator('.call-map .node').count();
    await page.getByRole('textbox', { name: 'Filter spans' }).fill('service:bank-api');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=service%3Abank-api/);
    await expect.poll(() => page.locator('.call-map .node').count()).toBeLessThan(all);
    expect(troubles).toEqual([]);
  });

  it('find a request by its support code, however it is written, and say when there is none', async () => {
    await using server = await startPageServer();
    await using opened = await openPage(browser, server.url, '/requests', { expected: /404/ });
    const { page, troubles } = opened;
    const code = (await page.locator('.request-rows td:nth-child(8)').first().textContent()) ?? '';
    const field = page.getByLabel('Support code or id');
    await field.fill(`${code.slice(0, 4).toLowerCase()}-${code.slice(4)}`);
    await field.press('Enter');
    await page.locator('.one-request').waitFor();
    await page.goBack();
    await page.getByLabel('Support code or id').fill('ZZZZ-ZZZZ');
    await page.getByLabel('Support code or id').press('Enter');
    await page.getByText('No request has this code or id.').waitFor();
    expect(troubles).toEqual([]);
  });

  it('hold a list that is read, and count the newer lines', async () => {
    const records = new ArrayRecords();
    const now = Date.now();
    const add = (body: string, ageMs: number): void =>
      records.add('logs', [lineOf({ service: 'shop', timeMs: Date.now() - ageMs, body })]);
    for (let at = 0; at < 30; at += 1) add(`line ${at}`, now - Date.now() + 40_000 - at * 1_000);
    await using server = await startPageServer({ overrides: { records } });
    await using opened = await openPage(browser, server.url, '/logs');
    const { page, troubles } = opened;
    const texts = page.locator('.log-lines .opener .text');
    await texts.first().getByText('line 29').waitFor();
    add('newer', 1_000);
    await texts.first().getByText('newer').waitFor();
    await page.locator('.opener').nth(3).click();
    await page.locator('.line-detail .around .own').waitFor();
    const before = await page.locator('.line.open').boundingBox();
    add('newest', 500);
    await page.getByText('1 newer line waits').waitFor();
    expect(await texts.first().textContent()).toBe('newer');
    expect((await page.locator('.line.open').boundingBox())?.y).toBe(before?.y);
    await page.getByText('Show the newest').click();
    await texts.first().getByText('newest').waitFor();
    expect(new URL(page.url()).searchParams.has('line')).toBe(false);
    expect(troubles).toEqual([]);
  });

  it('give older lines below the ones that are read, and fields of the sender as columns', async () => {
    const records = new ArrayRecords();
    const lines = Array.from({ length: 350 }, (_, at) =>
      lineOf({ service: 'shop', version: '1.4.2', timeMs: Date.now() - 60_000 + at * 100, body: `line ${at}` }),
    );
    records.add('logs', lines);
    await using server = await startPageServer({ overrides: { records } });
    await using opened = await openPage(browser, server.url, '/logs');
    const { page, troubles } = opened;
    const texts = page.locator('.log-lines .opener .text');
    await texts.first().getByText('line 349').waitFor();
    await page.locator('.line', { hasText: 'line 349' }).locator('.opener').click();
    const field = page.locator('.line-detail dl > div', { hasText: 'service.version' });
    await field.getByRole('button', { name: 'Column' }).click();
    await page.locator('.log-lines .extra', { hasText: '1.4.2' }).first().waitFor();
    expect(new URL(page.url()).searchParams.get('columns')).toBe('service.version');
    // A line is open, so the list is held.
    await page.getByRole('button', { name: 'Older lines' }).click();
    await until(async () => (await texts.count()) === 350, 30_000);
    expect(await texts.last().textContent()).toBe('line 0');
    expect(await page.getByRole('button', { name: 'Older lines' }).count()).toBe(0);
    await page.getByText('Show the newest').click();
    await until(async () => (await texts.count()) === 200, 30_000);
    expect(troubles).toEqual([]);
  });

  it('say a mistake at the filter, and narrow by a click on a value', async () => {
    await using server = await startPageServer();
    await using opened = await openPage(browser, server.url, '/logs?q=level%3A%3E', { expected: /400/ });
    const { page, troubles } = opened;
    await page.getByText('The filter cannot be read.').waitFor();
    expect(await page.locator('main .state.failed').count()).toBe(0);
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.locator('.facet button', { hasText: 'error' }).first().click();
    await page.waitForURL(/q=level%3Aerror/);
    await page.locator('.facet button[aria-pressed=true]').waitFor();
    await page.locator('.facet button[aria-pressed=true]').click();
    await page.waitForURL((url) => !url.searchParams.has('q'));
    expect(troubles).toEqual([]);
  });
});
