/** The page in a real browser, over a fake stack: it must work in every size and theme and with every failure. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOSTILE } from '../../support/page/fake-stack.ts';
import type { Opened, OpenOptions } from '../../support/page/page-browser.ts';
import {
  axeOf,
  buildPage,
  CHROMIUM,
  flawsOf,
  openPage,
  picture,
  startBrowser,
} from '../../support/page/page-browser.ts';
import { gzippedBytes, initialScripts, scriptsOf } from '../../support/page/initial-scripts.ts';
import { memoryAccess } from '../../support/page/memory-access.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { Access } from '../../../src/monitor/api/access/access.ts';
import type { PageServer } from '../../support/page/page-server.ts';
import { PAGE_DIR as DIST, startPageServer } from '../../support/page/page-server.ts';

if (CHROMIUM === undefined) console.log('skipped: the page tests need Chromium');

let browser: Browser;
const open = (server: PageServer, target: string, options: OpenOptions = {}): Promise<Opened> =>
  openPage(browser, server.url, target, options);

const firstTrace = async (server: PageServer): Promise<string> => {
  const answer = (await (await fetch(`${server.url}/api/traces?limit=1`)).json()) as { traces: { traceId: string }[] };
  return `/traces/${answer.traces[0].traceId}`;
};

describe.skipIf(CHROMIUM === undefined)('the page', () => {
  let busy: PageServer;

  beforeAll(async () => {
    buildPage();
    browser = await startBrowser();
    busy = await startPageServer();
  });
  afterAll(async () => {
    await browser?.close();
    await busy?.[Symbol.asyncDispose]();
  });

  describe.each(['desktop', 'phone'] as const)('on %s', (size) => {
    it.each([
      ['overview', 'light'],
      ['overview', 'dark'],
      ['traces', 'light'],
      ['trace', 'dark'],
      ['explore', 'light'],
      ['alerts', 'dark'],
    ] as const)('shows %s in %s without a flaw', async (name, scheme) => {
      const targets = {
        overview: '/',
        traces: '/traces',
        trace: await firstTrace(busy),
        explore: '/explore?q=up',
        alerts: '/alerts',
      };
      await using opened = await open(busy, targets[name], { size, scheme });
      const { page, troubles } = opened;
      await page.locator('main .card').first().waitFor();
      await page
        .locator(name === 'overview' ? 'svg.strip, .sv' : 'main .card')
        .first()
        .waitFor({ state: 'attached' });
      expect(await flawsOf(page)).toEqual([]);
      expect(troubles).toEqual([]);
    });

    it.each(['empty', 'broken'] as const)('works when the API is %s', async (kind) => {
      await using server = await startPageServer({ kind });
      await using opened = await open(server, '/', { size });
      const { page } = opened;
      const text = kind === 'empty' ? 'No traffic' : 'could not be loaded';
      await page.getByText(text).first().waitFor({ state: 'attached' });
      expect(await flawsOf(page)).toEqual([]);
      expect(await page.locator('.kpi').count()).toBe(6);
      if (kind === 'empty') expect(opened.troubles).toEqual([]);
    });
  });

  it('shows the key figures of the last minute and keeps them current', async () => {
    await using opened = await open(busy, '/');
    const { page } = opened;
    await page
      .locator('[data-kpi=requests] .v')
      .getByText(/^1[012]\d(\.\d)?req/)
      .waitFor();
    expect(await page.locator('[data-kpi=uptime] .v').textContent()).toBe('2d4h');
    // The rows of the services come with an answer of their own.
    await page.locator('.verdict').getByText('bank-api needs a look').waitFor();
    expect(await page.locator('.verdict').textContent()).toMatch(
      /bank-api needs a look: errors 18\.8\s%.*Most failures are of POST \/payments/,
    );
    expect(await page.locator('.components').textContent()).toMatch(/balancer.*server.*cache.*monitor/);
    const before = await page.locator('.conn').textContent();
    const label = page.locator('.p-latency [role=img]');
    await label.waitFor();
    expect(await label.getAttribute('aria-label')).toContain('p95');
    expect(before).toContain('Connected');
  });

  it('says in one click how a tile is computed, with PromQL that gives the same', async () => {
    await using opened = await open(busy, '/');
    const { page, troubles } = opened;
    const button = page.getByRole('button', { name: 'How Requests is computed' });
    await button.click();
    const dialog = page.getByRole('dialog', { name: 'How “Requests” is computed' });
    const first = dialog.getByRole('region', { name: 'at the balancer' });
    await first.getByText('Each point looks back over 1m.').waitFor();
    expect(await dialog.locator('pre').first().textContent()).toBe(
      'sum(rate(http_server_request_duration_seconds_count{job="vitrine-balancer"}[1m]))',
    );
    expect(await first.locator('dl').textContent()).toMatch(/Value\d.*Window.*Source/);
    expect(await axeOf(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    // A number that no PromQL gives names the question that gives it.
    await page.goto(`${busy.url}/requests?q=status:5xx`);
    await page.getByRole('button', { name: 'How Request ledger is computed' }).click();
    await page.getByRole('dialog').getByText('/api/requests/figures?q=status%3A5xx').waitFor();
    expect(troubles).toEqual([]);
  });

  it('shows hostile names as text', async () => {
    await using opened = await open(busy, '/');
    const { page, troubles } = opened;
    await page.locator('.health').getByText(HOSTILE).first().waitFor();
    await page.locator('.upstreams').getByText(HOSTILE).first().waitFor();
    await page.goto(busy.url + (await firstTrace(busy)));
    await page.locator('.trace-logs').getByText('onerror').waitFor();
    await page.locator('.span-detail').getByText(HOSTILE).waitFor();
    await page.goto(`${busy.url}/explore?q=up`);
    await page.locator('.legend-table').getByText('onerror').first().waitFor();
    expect(await page.locator('img').count()).toBe(0);
    expect(troubles).toEqual([]);
  });

  it('leads from a point of the latency chart to its traces, and on to a span', async () => {
    await using opened = await open(busy, '/');
    const { page } = opened;
    await page.locator('.p-latency .u-over').click({ position: { x: 420, y: 60 } });
    await page.waitForURL(/\/traces\?from=\d+&to=\d+&sort=duration/);
    await page.locator('.trace-row:not(.head)').first().click();
    await page.waitForURL(/\/traces\/[0-9a-f]+(\?|$)/);
    await page.locator('.span-row .pick').nth(3).click();
    await page.waitForURL(/span=0000000000000004/);
    expect(await page.locator('.span-detail h2').textContent()).toBe('POST /payments');
    await page.keyboard.press('Escape');
    await page.locator('.span-detail').waitFor({ state: 'detached' });
    await page.goBack();
    await page.locator('.trace-list').waitFor();
  });

  it('leads from an alert to a trace of it in one click', async () => {
    await using opened = await open(busy, '/');
    await opened.page.getByRole('button', { name: 'Show a trace' }).first().click();
    await opened.page.waitForURL(/\/traces\/[0-9a-f]+(\?|$)/);
    await opened.page.locator('.waterfall').waitFor();
  });

  it('filters traces by what the address says and by the form', async () => {
    await using opened = await open(busy, '/traces?errors=true');
    const { page } = opened;
    await page.locator('.trace-list h2').getByText('9 traces').waitFor();
    await page.waitForURL(/q=span.status%3Aerror/);
    await page.getByRole('textbox', { name: 'Filter traces' }).fill('span.status:error transaction_id:T-42');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page.waitForURL(/transaction_id%3AT-42/);
    await page.locator('.trace-list h2').getByText('1 trace').waitFor();
    await page.getByRole('textbox', { name: 'Filter traces' }).fill('transaction_id:nobody');
    await page.keyboard.press('Enter');
    await page.getByText('No trace matches this filter.').waitFor();
  });

  it('answers to keys', async () => {
    await using opened = await open(busy, '/');
    const { page } = opened;
    await page.locator('.kpi').first().waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.waitForFunction('document.activeElement === document.body');
    await page.keyboard.press('Space');
    await page.getByText('still recording').waitFor();
    await page.keyboard.press('Space');
    await page.getByText('still recording').waitFor({ state: 'detached' });
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await page.waitForURL(/\/traces$/);
    await page.keyboard.press('g');
    await page.keyboard.press('o');
    await page.locator('.p-latency .plot').focus();
    await page.keyboard.press('ArrowLeft');
    await page.locator('.p-latency .pill').waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/traces\?from=/);
  });

  it('shows a chart as a table and turns the theme', async () => {
    await using opened = await open(busy, '/');
    const { page } = opened;
    await page.getByRole('button', { name: 'View Latency as table' }).click();
    await page.locator('.p-latency tbody tr').first().waitFor();
    expect(await page.locator('.p-latency tbody tr').count()).toBe(61);
    await page.getByRole('button', { name: /^Theme/ }).click();
    await page.getByRole('button', { name: /^Theme: light/ }).click();
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
    await page.reload();
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
  });

  it('says when the connection is lost, comes back within 5 s and closes the gap', async () => {
    const first = await startPageServer();
    await using opened = await open(first, '/');
    const { page } = opened;
    await page.locator('.p-latency .plot').waitFor();
    await first[Symbol.asyncDispose]();
    await page.getByText('Connection lost').waitFor();
    const asked = page.waitForRequest(/\/api\/charts/);
    await using again = await startPageServer({ port: first.port });
    const since = Date.now();
    await page.getByText('Connection lost').waitFor({ state: 'detached', timeout: 6_000 });
    expect(Date.now() - since).toBeLessThan(6_000);
    await asked;
    await page.locator('.conn').getByText('Connected', { exact: true }).waitFor();
    expect(again.port).toBe(first.port);
  });

  it('shows the crosshair after a long press, and zooms with two fingers', async () => {
    await using opened = await open(busy, '/', { size: 'phone' });
    const { page } = opened;
    const plot = page.locator('.p-latency .u-over');
    await plot.waitFor();
    await plot.scrollIntoViewIfNeeded();
    const box = (await plot.boundingBox())!;
    const y = box.y + box.height / 2;
    const devtools = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...xs: readonly number[]): Promise<unknown> =>
      devtools.send('Input.dispatchTouchEvent', {
        type,
        touchPoints: xs.map((part, id) => ({ x: box.x + part * box.width, y, id })),
      });
    await touch('touchStart', 0.5);
    await plot.locator('.tip header').waitFor();
    const before = await plot.locator('.tip header').textContent();
    await touch('touchMove', 0.8);
    await page.waitForFunction((old) => document.querySelector('.p-latency .tip header')?.textContent !== old, before);
    await touch('touchEnd');
    expect(new URL(page.url()).pathname).toBe('/');
    await touch('touchStart', 0.4, 0.6);
    await touch('touchMove', 0.2, 0.8);
    await touch('touchEnd');
    await page.waitForURL(/[?&]from=/);
    expect(opened.troubles).toEqual([]);
  });

  it('needs few bytes of script before the first figures', () => {
    const initial = initialScripts(DIST);
    const overview = new Set([...initial, ...scriptsOf(DIST, 'overview')]);
    const [first, painted] = [gzippedBytes(DIST, initial), gzippedBytes(DIST, overview)];
    console.log(`scripts: ${first} bytes initially, ${painted} until the first figures, gzipped`);
    expect(initial.size).toBeGreaterThan(2);
    expect(first).toBeLessThanOrEqual(60_000);
    expect(painted).toBeLessThanOrEqual(60_000);
  });

  it('asks once for the token', async () => {
    await using server = await startPageServer({ token: 'secret-token' });
    await using opened = await open(server, '/');
    const { page } = opened;
    await page.getByRole('button', { name: 'Use a token' }).click();
    await page.getByLabel('Token').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('not a token').waitFor();
    await page.getByLabel('Token').fill('secret-token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('[data-kpi=requests] .v').waitFor();
    await page.reload();
    await page.locator('[data-kpi=requests] .v').waitFor();
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  it('makes the first admin with a link, who invites by link and signs in by name', async () => {
    const store = memoryAccess();
    const access = new Access('secret-token', systemClock, store);
    const first = access.accounts?.firstLink(() => {});
    await using server = await startPageServer({ token: 'secret-token', overrides: { store, access } });
    await using opened = await open(server, `/sign-in#first=${first}`, {
      expected: /40[01]|HTTP Authentication failed/,
    });
    const { page } = opened;
    await page.getByLabel('Your name').fill('ana');
    await page.getByLabel('New password').fill('password1');
    await page.getByRole('button', { name: /^Set the password/ }).click();
    await page.getByRole('alert').getByText('first that an attacker tries').waitFor();
    await page.getByLabel('New password').fill('seven grey herons wait');
    await picture(page, 'sign-in-first');
    expect([await flawsOf(page), await axeOf(page)]).toEqual([[], []]);
    await page.getByRole('button', { name: /^Set the password/ }).click();
    await page.locator('[data-kpi=requests] .v').waitFor();
    expect(page.url()).toBe(`${server.url}/`);
    await page.goto(`${server.url}/settings`);
    const accounts = page.getByRole('region', { name: 'Accounts' });
    await accounts.getByLabel('Name').fill('bob');
    await accounts.getByRole('button', { name: 'Make an account' }).click();
    const link = (await accounts.locator('.made code').textContent()) ?? '';
    await picture(page, 'settings-accounts');
    expect([await flawsOf(page), await axeOf(page)]).toEqual([[], []]);
    await using other = await open(server, link.slice(server.url.length), {
      size: 'phone',
      expected: /401|HTTP Authentication failed/,
    });
    await other.page.getByLabel('New password').fill('nine blue kettles sing');
    await picture(other.page, 'sign-in-link-phone');
    await other.page.getByRole('button', { name: /^Set the password/ }).click();
    await other.page.locator('[data-kpi=requests] .v').waitFor();
    await other.page.goto(`${server.url}/settings`);
    await other.page.getByRole('button', { name: 'Sign out' }).click();
    await other.page.getByLabel('Name').fill('bob');
    await other.page.getByLabel('Password').fill('nine blue kettles sing');
    await picture(other.page, 'sign-in-phone');
    await other.page.getByRole('button', { name: 'Sign in' }).click();
    await other.page.getByText('viewer', { exact: true }).waitFor();
    expect([...opened.troubles, ...other.troubles]).toEqual([]);
  });
});
