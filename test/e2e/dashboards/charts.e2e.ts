/**
 * Charts in a real browser. On a real stack: zoom, crosshair, keyboard, table, exports, marks, and that the PromQL beside a
 * number gives the same number. Over the fake stack: hostile names, explore, dashboards, comparison, many services. What
 * twelve live charts cost is measured beside page-matrix.e2e.ts, which takes as long.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Browser, Download, Locator, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChartAnswer } from '../../../src/monitor/api/charts/contract.ts';
import { waveQuerier } from '../../support/page/wave-querier.ts';
import { buildPage } from '../../support/page/page-browser.ts';
import { startPageServer } from '../../support/page/page-server.ts';
import { json, startVitrine, type Vitrine } from '../../support/programs/vitrine-process.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (CHROMIUM === undefined) console.log('skipped: the tests of charts need Chromium');

const NIGHTLY = process.env['VITRINE_NIGHTLY'] === '1';

let browser: Browser;

interface Tab extends AsyncDisposable {
  readonly page: Page;
  readonly troubles: string[];
}

async function open(url: string): Promise<Tab> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const troubles: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') troubles.push(message.text());
  });
  page.on('pageerror', (error) => troubles.push(error.message));
  await page.goto(url);
  return { page, troubles, [Symbol.asyncDispose]: () => context.close() };
}

const panel = (page: Page, title: string): Locator => page.getByRole('figure', { name: title, exact: true });

async function choose(page: Page, title: string, item: string): Promise<void> {
  await panel(page, title)
    .getByRole('button', { name: `Menu of ${title}` })
    .click();
  await panel(page, title).getByRole('menu').getByText(item, { exact: true }).click();
}

async function textOf(download: Download): Promise<string> {
  return readFileSync(await download.path(), 'utf8');
}

async function downloaded(page: Page, act: () => Promise<void>): Promise<Download> {
  const [download] = await Promise.all([page.waitForEvent('download'), act()]);
  return download;
}

describe.skipIf(CHROMIUM === undefined)('charts', () => {
  beforeAll(async () => {
    buildPage();
    browser = await chromium.launch({
      executablePath: CHROMIUM as string,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--js-flags=--expose-gc'],
    });
  });
  afterAll(() => browser?.close());

  describe('on a real stack', () => {
    let vitrine: Vitrine;
    const traffic = new AbortController();
    let sending: Promise<void>;

    beforeAll(async () => {
      vitrine = await startVitrine();
      // A few requests a second until the end, so that charts have data and change.
      sending = (async () => {
        while (!traffic.signal.aborted) {
          await Promise.all(
            Array.from({ length: 3 }, () => fetch(`${vitrine.balancer}/api/accounts`).then((answer) => answer.text())),
          ).catch(() => undefined);
          await new Promise((resolve) => setTimeout(resolve, 300));
        }
      })();
      const mark = { text: 'v2 is out <b>', tags: ['deploy'] };
      await json(`${vitrine.monitor}/api/annotations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(mark),
      });
    }, 180_000);
    afterAll(async () => {
      traffic.abort();
      await sending;
      await vitrine?.[Symbol.asyncDispose]();
    });

    /** The overview with a value in its latency chart. */
    async function overview(): Promise<Tab> {
      const tab = await open(vitrine.monitor);
      await tab.page.getByRole('img', { name: /^Latency.*p95 [\d.]+/ }).waitFor();
      return tab;
    }

    it('zooms all charts by a drag, and Back undoes it', async () => {
      await using tab = await overview();
      const { page, troubles } = tab;
      const plot = page.locator('.p-latency .u-over');
      const box = await plot.boundingBox();
      if (box === null) throw new Error('the plot has no box');
      const before = page.url();
      await page.mouse.move(box.x + box.width * 0.3, box.y + 60);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.5, box.y + 60);
      await page.mouse.move(box.x + box.width * 0.7, box.y + 60);
      await page.mouse.up();
      await page.waitForURL(/from=\d+&to=/);
      const params = new URL(page.url()).searchParams;
      const to = params.get('to') === 'now' ? Date.now() : Number(params.get('to'));
      expect(to - Number(params.get('from'))).toBeLessThan(800_000);
      await page.goBack();
      await page.waitForURL(before);
      expect(troubles).toEqual([]);
    });

    it('moves one crosshair over all charts, with the tooltip on the hovered one only', async () => {
      await using tab = await overview();
      const { page } = tab;
      await page.locator('.p-traffic .u-over').hover({ position: { x: 300, y: 60 } });
      await page.locator('.p-traffic .tip').waitFor({ state: 'visible' });
      await page.locator('.p-latency .pill').waitFor({ state: 'visible' });
      expect(await page.locator('.p-latency .pill').textContent()).toBe(
        await page.locator('.p-traffic .pill').textContent(),
      );
      expect(await page.locator('.p-latency .tip').isVisible()).toBe(false);
      await page.keyboard.down('Shift');
      await page.locator('.p-latency .tip').waitFor({ state: 'visible' });
      await page.keyboard.up('Shift');
      await page.locator('.p-latency .tip').waitFor({ state: 'hidden' });
    });

    it('is read by keyboard: arrows move, the value is announced', async () => {
      await using tab = await overview();
      const { page } = tab;
      await page.locator('.p-latency [role=img]').focus();
      await page.keyboard.press('End');
      await page.keyboard.press('ArrowLeft');
      const said = page.locator('.p-latency > [role=status]');
      await said.getByText(/^\d\d:\d\d:\d\d: p99 .* p95 /).waitFor();
      const first = await said.textContent();
      await page.keyboard.press('ArrowLeft');
      await page.waitForFunction(
        (old) => document.querySelector('.p-latency > [role=status]')?.textContent !== old,
        first,
      );
    });

    it('shows the same values as a table and in the CSV, and saves images', async () => {
      await using tab = await overview();
      const { page, troubles } = tab;
      const csv = await textOf(await downloaded(page, () => choose(page, 'Latency', 'Save as CSV')));
      const [head, ...rows] = csv.trim().split('\r\n');
      expect(head).toBe('time (UTC),p99 (s),p95 (s),p50 (s),mean to first byte (s)');
      expect(rows.length).toBeGreaterThan(5);
      expect(rows.at(-2)).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z,/);
      const svg = await textOf(await downloaded(page, () => choose(page, 'Latency', 'Save as SVG')));
      expect(svg).toMatch(/^<svg [\s\S]*<title>Latency<\/title>[\s\S]*<path d="M/);
      // Programs that read SVG know these; they do not know what browsers compute colours to.
      const colours = [...svg.matchAll(/(?:stroke|fill)="([^"]+)"/g)].map(([, colour]) => colour);
      expect(colours.filter((colour) => !/^(#[0-9a-f]{6}|none)$/.test(colour))).toEqual([]);
      expect(new Set(colours).size).toBeGreaterThan(4);
      const png = await downloaded(page, () => choose(page, 'Latency', 'Save as PNG'));
      expect(
        readFileSync(await png.path())
          .subarray(1, 4)
          .toString(),
      ).toBe('PNG');
      await page.getByRole('button', { name: 'View Latency as table' }).click();
      await page.locator('.p-latency table tbody tr').nth(3).waitFor();
      expect(await page.locator('.p-latency th').allTextContents()).toEqual([
        'Time',
        expect.stringMatching(/^p99/),
        expect.stringMatching(/^p95/),
        expect.stringMatching(/^p50/),
        expect.stringMatching(/^mean to first byte/),
      ]);
      expect(troubles).toEqual([]);
    });

    it('says in one click how a number was computed, and that PromQL gives the same number', async () => {
      await using tab = await overview();
      const { page } = tab;
      const answered = page.waitForResponse((response) => response.url().includes('/api/charts?'));
      await page.reload();
      await answered;
      await panel(page, 'Traffic by status')
        .getByRole('button', { name: /^How .* is computed$/ })
        .click();
      const text = await page.locator('dialog pre').first().textContent();
      expect(text).toContain('http_server_request_duration_seconds_count');
      expect(await page.locator('dialog .computed').first().textContent()).toMatch(/looks back over 1m.*samples of/);
      const to = Date.now() - 15_000;
      const params = new URLSearchParams({ expr: text ?? '', from: String(to - 300_000), to: String(to), step: '15s' });
      const chart = await json<ChartAnswer>(`${vitrine.monitor}/api/charts?${params}`);
      const [{ startMs, stepMs, count, series, expr }] = chart.queries;
      const asked = new URLSearchParams({
        query: expr,
        start: String(startMs / 1_000),
        end: String((startMs + (count - 1) * stepMs) / 1_000),
        step: String(stepMs / 1_000),
      });
      const { data } = await json<{ data: { result: { values: [number, string][] }[] } }>(
        `${vitrine.monitor}/api/v1/query_range?${asked}`,
      );
      const values = new Map(data.result[0]?.values.map(([time, value]) => [Math.round(time * 1_000), Number(value)]));
      for (const [at, value] of (series[0]?.values ?? []).entries()) {
        expect(value ?? undefined).toBe(values.get(startMs + at * stepMs));
      }
      expect(series.length).toBe(data.result.length);
    });

    it('draws the limit of the rule that watches a series, and the annotation as a mark', async () => {
      const to = Date.now();
      const { marks } = await json<{ marks: { kind: string; text: string }[] }>(
        `${vitrine.monitor}/api/marks?from=${to - 900_000}&to=${to}`,
      );
      expect(marks).toContainEqual(expect.objectContaining({ kind: 'deploy', text: 'v2 is out <b>' }));
      const expr =
        'sum(rate(vitrine_balancer_phase_duration_seconds_sum{job="vitrine-balancer",vitrine_phase!="transfer"}[1m]))' +
        ' / sum(rate(http_server_request_duration_seconds_count{job="vitrine-balancer"}[1m]))';
      const { queries } = await json<ChartAnswer>(
        `${vitrine.monitor}/api/charts?${new URLSearchParams({ expr, from: String(to - 60_000), to: String(to) })}`,
      );
      expect(queries[0].limits).toMatchObject([{ rule: 'SlowResponses', op: '>', limit: 0.2 }]);
      await using tab = await overview();
      const { page, troubles } = tab;
      await choose(page, 'Latency', 'Add an annotation');
      await page.getByPlaceholder('What happened').fill('from the page');
      await page.getByRole('button', { name: 'Add', exact: true }).click();
      await page.getByText('The annotation is on every chart.').waitFor();
      const found = await json<{ text: string }[]>(`${vitrine.monitor}/api/annotations`);
      expect(found.map(({ text }) => text)).toContain('from the page');
      expect(troubles).toEqual([]);
    });
  });

  describe('over the fake stack', () => {
    const HOSTILE = [
      '<img src=x onerror="alert(1)">',
      'rtl \u202edrawkcab\u202c',
      'zero\u200bwidth',
      ' ',
      `=cmd|' /C calc'!A0`,
      'x'.repeat(4_096),
    ];

    it('shows hostile names isolated, escaped and whole on demand, and never as a formula', async () => {
      await using server = await startPageServer({ overrides: { querier: waveQuerier(HOSTILE) } });
      await using tab = await open(`${server.url}/explore?q=up`);
      const { page, troubles } = tab;
      const names = page.locator('.legend-table bdi');
      await names.nth(HOSTILE.length - 1).waitFor();
      const shown = await names.allTextContents();
      expect(shown.join('\n')).not.toMatch(/[\u202e\u200b]/);
      expect(shown.some((text) => text.includes('<img src=x'))).toBe(true);
      expect(Math.max(...shown.map((text) => text.length))).toBeLessThan(200);
      expect(await page.locator('img, script[src="x"]').count()).toBe(0);
      await page.locator('.u-over').hover({ position: { x: 200, y: 100 } });
      await page.locator('.tip').waitFor({ state: 'visible' });
      const box = await page.locator('.tip').boundingBox();
      expect(box?.width ?? 999).toBeLessThan(320);
      const csv = await textOf(await downloaded(page, () => choose(page, 'Result', 'Save as CSV')));
      expect(csv.split('\r\n')[0]).not.toMatch(/(^|,)"?[=+@]/);
      await page.getByRole('button', { name: 'View Result as table' }).click();
      await page.locator('.plot table').waitFor();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      expect([wide, troubles]).toEqual([false, []]);
    });

    it('explores: completes a name, underlines a mistake in its place, shows cost, heatmap and table', async () => {
      await using server = await startPageServer();
      await using tab = await open(`${server.url}/explore`);
      const { page } = tab;
      const field = page.getByLabel('Query A, PromQL');
      await field.click();
      await field.pressSequentially('rat');
      await page.getByRole('option', { name: /^rate/ }).waitFor();
      await page.keyboard.press('Tab');
      expect(await field.inputValue()).toBe('rate(');
      await field.fill('rate(up[5m]');
      await page.locator('.promql-colours .bad').waitFor();
      await page
        .locator('.promql-error')
        .getByText(/unclosed|unexpected/)
        .waitFor();
      await field.fill('histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds_bucket[1m])))');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Enter');
      await page.waitForURL(/q=histogram_quantile/);
      await page
        .locator('.cost')
        .getByText(/1 series · .* · a point every 15/)
        .waitFor();
      await page.getByRole('button', { name: 'Heatmap' }).click();
      await page.locator('.heat canvas').waitFor();
      await page.locator('.heat').focus();
      await page.keyboard.press('ArrowLeft');
      await page
        .locator('.heat-cell')
        .getByText(/ms to .* a second/)
        .waitFor();
      await page.getByRole('button', { name: 'Table', exact: true }).click();
      await page.locator('.values tbody tr').first().waitFor();
      await page.getByRole('button', { name: 'Break down' }).first().click();
      await panel(page, 'by job').locator('canvas').waitFor();
    });

    it('isolates a line by a click, sorts the legend, and compares two ranges', async () => {
      await using server = await startPageServer();
      await using tab = await open(`${server.url}/dashboards/services?service=payments`);
      const { page, troubles } = tab;
      await panel(page, 'CPU').locator('canvas').waitFor();
      await choose(page, 'CPU', 'Legend with figures');
      const rows = panel(page, 'CPU').locator('.legend-table tbody tr');
      await rows.nth(2).waitFor();
      await rows.nth(1).getByRole('button').click();
      expect(await panel(page, 'CPU').locator('.legend-table tr.off').count()).toBe((await rows.count()) - 1);
      await panel(page, 'CPU').getByRole('button', { name: /^mean/ }).click();
      await panel(page, 'CPU').locator('th[aria-sort=descending]').waitFor();
      await page.getByLabel('Compare with').selectOption('before');
      await page.waitForURL(/against=before/);
      await page.locator('.what-changed tbody tr').first().waitFor();
      await panel(page, 'CPU').nth(1).locator('canvas').waitFor();
      await page.goto(`${server.url}/dashboards/history`);
      await page.waitForURL(/from=now-90d/);
      await panel(page, 'Requests').locator('canvas').waitFor();
      await page.goto(`${server.url}/dashboards/nothing`);
      await page.getByText('There is no dashboard of this name.').waitFor();
      expect(troubles).toEqual([]);
    });

    it('has no long task with 200 services', async () => {
      const names = Array.from({ length: 200 }, (_, at) => `service-${at}`);
      await using server = await startPageServer({ overrides: { querier: waveQuerier(names) } });
      await using tab = await open(`${server.url}/`);
      const { page } = tab;
      await page.evaluate(() => {
        const seen: number[] = [];
        Object.assign(window, { longTasks: seen });
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) seen.push(entry.duration);
        }).observe({ entryTypes: ['longtask'] });
      });
      await page.getByRole('link', { name: 'Dashboards' }).first().click();
      // Not the link of that name in the navigation, which is there before the list of dashboards is.
      await page.locator('#main a[href^="/dashboards/"]', { hasText: /^Services/ }).click();
      await panel(page, 'CPU').locator('canvas').waitFor();
      await panel(page, 'CPU').getByText('other 90').waitFor();
      await page.waitForTimeout(3_000);
      const tasks = await page.evaluate(() => (window as unknown as { longTasks: number[] }).longTasks);
      const longest = Math.round(Math.max(0, ...tasks));
      console.log(`200 services: longest task ${longest} ms of ${tasks.length} over 50 ms`);
      expect(longest).toBeLessThan(NIGHTLY ? 100 : 1_500);
    });
  });
});
