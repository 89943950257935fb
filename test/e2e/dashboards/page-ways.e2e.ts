/**
 * The ways through the page that must stay short: with the keyboard alone, and from a problem to its cause in three clicks.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPage, CHROMIUM, openPage, startBrowser } from '../../support/page/page-browser.ts';
import { startPageServer, type PageServer } from '../../support/page/page-server.ts';

if (CHROMIUM === undefined) console.log('skipped: the page tests need Chromium');

/** What has the focus, as a screen reader would name it. */
const focused = (page: Page): Promise<string> =>
  page.evaluate<string>(`(() => {
    const at = document.activeElement;
    return (at.getAttribute('aria-label') ?? at.textContent ?? '').trim().slice(0, 80);
  })()`);

/** The focus must be seen: an outline, or another look than without it. */
const isFocusSeen = (page: Page): Promise<boolean> =>
  page.evaluate<boolean>(`(() => {
    const at = document.activeElement;
    const style = getComputedStyle(at);
    const inside = at.querySelector('rect');
    return style.outlineStyle !== 'none' || style.boxShadow !== 'none' || inside !== null;
  })()`);

describe.skipIf(CHROMIUM === undefined)('ways through the page', () => {
  let browser: Browser;
  let server: PageServer;

  beforeAll(async () => {
    buildPage();
    browser = await startBrowser();
    server = await startPageServer();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
  });

  it('reach the first trace in five stops of the keyboard, by Tab or by keys', async () => {
    await using opened = await openPage(browser, server.url, '/');
    const { page, troubles } = opened;
    await page.locator('[data-kpi=requests] .v').waitFor();
    const stops: string[] = [];
    // The skip link, then the page: what is in the rail and in the bar is left behind.
    await page.keyboard.press('Tab');
    stops.push(await focused(page));
    expect(stops[0]).toBe('Skip to content');
    await page.keyboard.press('Enter');
    while (stops.length < 5 && !/trace/i.test(stops.at(-1) ?? '')) {
      await page.keyboard.press('Tab');
      stops.push(await focused(page));
      expect(await isFocusSeen(page)).toBe(true);
    }
    console.log(`stops: ${stops.join(' > ')}`);
    expect(stops.at(-1)).toMatch(/trace/i);
    await page.keyboard.press('Enter');
    await page.locator('.span-row').first().waitFor();
    await page.goto(server.url);
    await page.locator('[data-kpi=requests] .v').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await page.locator('.trace-row:not(.head)').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/traces\/[0-9a-f]{32}/);
    expect(troubles).toEqual([]);
  });

  it('read a chart with the keyboard: a summary, the value under the crosshair, and a table', async () => {
    await using opened = await openPage(browser, server.url, '/');
    const { page } = opened;
    const plot = page.locator('.p-latency .plot');
    await page.locator('.p-latency canvas').waitFor();
    expect(await plot.getAttribute('aria-label')).toMatch(/p95.*\d/);
    await plot.focus();
    await page.keyboard.press('End');
    await page
      .locator('.p-latency > [role=status]')
      .getByText(/p95 [\d.]+/)
      .waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'View Latency as table' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('.p-latency tbody tr').first().waitFor();
  });

  it('find the failing service, its trace and its link with the keyboard alone', async () => {
    await using opened = await openPage(browser, server.url, '/');
    const { page, troubles } = opened;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url });
    await page.locator('[data-kpi=requests] .v').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await page.locator('table.services tbody tr').first().waitFor();
    // The worst is the first.
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.locator('.verdict.of-service').getByText('needs a look').waitFor();
    await page.locator('ul.slow a[data-row]').first().waitFor();
    while (!/^\/traces\/[0-9a-f]{32}/.test(await page.evaluate<string>('document.activeElement.pathname ?? ""'))) {
      await page.keyboard.press('j');
    }
    await page.keyboard.press('Enter');
    await page.locator('.span-row').first().waitFor();
    await page.keyboard.press('y');
    await page.getByText('Link with fixed times copied').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toContain('/traces/');
    expect(troubles).toEqual([]);
  });

  it('acknowledge and silence an alert with the keyboard alone', async () => {
    await using opened = await openPage(browser, server.url, '/');
    const { page, troubles } = opened;
    const sent: string[] = [];
    page.on('request', (request) => {
      if (request.method() !== 'GET')
        sent.push(`${request.method()} ${new URL(request.url()).pathname} ${request.postData() ?? ''}`);
    });
    await page.locator('[data-kpi=requests] .v').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    await page.locator('.alert.firing').nth(1).waitFor();
    // Two alerts fire: a key without a chosen row must not take one of them.
    await page.keyboard.press('m');
    await page.getByText('Choose a row first').waitFor();
    await page.keyboard.press('j');
    const name = await focused(page);
    await page.keyboard.press('m');
    await page.getByText('It would mute 1 alert now').waitFor();
    // Without a reason nothing is silenced.
    await page.keyboard.press('Enter');
    expect(sent.filter((one) => !one.includes('"dry_run":true'))).toEqual([]);
    await page.keyboard.type('The bank is slow');
    await page.keyboard.press('Enter');
    await page.getByText('Silenced for 2h').waitFor();
    await page.keyboard.press('a');
    await page.getByText('Acknowledged.').waitFor();
    const [preview, silenced, acknowledged, ...more] = sent;
    expect(preview).toMatch(/^POST \/api\/silences .*"dry_run":true/);
    expect(silenced).toMatch(/^POST \/api\/silences \{"matchers":\[.*"comment":"The bank is slow"/);
    expect(silenced).toContain(name);
    expect(acknowledged).toMatch(/^POST \/api\/alerts\/\w+\/ack /);
    expect(more).toEqual([]);
    expect(troubles).toEqual([]);
  });

  it('lead from an alert to an incident about it on the status page', async () => {
    await using opened = await openPage(browser, server.url, '/alerts');
    const { page, troubles } = opened;
    await page.locator('.alert.firing a[data-row]').first().click();
    await page.getByRole('link', { name: 'Write an incident' }).click();
    await page.waitForURL(/\/status\?(?=.*new=1)(?=.*alert=\w+)/);
    await page.getByText('it is resolved when the alert has ended').waitFor();
    expect(troubles).toEqual([]);
  });

  it('show on every page, and by name in the overview, which targets fail', async () => {
    await using opened = await openPage(browser, server.url, '/logs');
    const { page, troubles } = opened;
    await page.locator('.rail a[href="/targets"] .badge').getByText('1').waitFor();
    await page.locator('.rail a[href="/"]').first().click();
    const card = page.getByRole('region', { name: 'Failing targets' });
    await card.getByText('The TLS handshake did not end').waitFor();
    await card.getByRole('link', { name: 'bank-api' }).click();
    await page.waitForURL(/\/targets\/bank-api/);
    expect(troubles).toEqual([]);
  });

  it.each([
    [
      'an alert',
      '/alerts',
      ['button:has-text("Show a trace"), a:has-text("Show a trace")', '.span-row.err, .span-row'],
    ],
    ['the overview', '/', ['.health a[href*="/service?"]', 'ul.slow a[data-row]', '.span-row']],
    ['the list of services', '/services', ['table.services a[data-row]', 'ul.slow a[data-row]', '.span-row']],
    ['the map', '/services?view=map', ['.call-map a', 'ul.slow a[data-row]', '.span-row']],
  ] as const)('lead from %s to a span in three clicks', async (_, target, clicks) => {
    await using opened = await openPage(browser, server.url, target);
    const { page, troubles } = opened;
    for (const selector of clicks) {
      const next = page.locator(selector).first();
      await next.waitFor();
      await next.click();
    }
    await page.waitForURL(/\/traces\/[0-9a-f]{32}/);
    await page.locator('.span-row').first().waitFor();
    expect(clicks.length).toBeLessThanOrEqual(3);
    expect(troubles).toEqual([]);
  });

  it('open the same view in another browser, whatever was chosen', async () => {
    await using opened = await openPage(browser, server.url, '/services');
    const { page } = opened;
    await page.getByRole('button', { name: /^p95/ }).click();
    await page.getByPlaceholder(/Search services/).fill('a');
    await page.waitForURL(/q=a/);
    const rows = (one: Page): Promise<string[]> => one.locator('table.services tbody .svc').allTextContents();
    const link = page.url().slice(server.url.length);
    await using other = await openPage(browser, server.url, link);
    await other.page.locator('table.services tbody tr').first().waitFor();
    expect(await rows(other.page)).toEqual(await rows(page));
  });
});
