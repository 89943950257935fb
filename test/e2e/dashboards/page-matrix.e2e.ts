/**
 * Every page in every size and theme and in each state: nothing scrolls sideways or overlaps, targets are large enough, axe
 * finds nothing and the console is silent. Here the sizes and themes alternate; VITRINE_NIGHTLY=1 takes all of them.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeTraces } from '../../support/page/fake-stack.ts';
import type { Scheme, Size, Viewing } from '../../support/page/page-browser.ts';
import {
  axeOf,
  buildPage,
  CHROMIUM,
  flawsOf,
  flawsUnder,
  openPage,
  picture,
  SIZES,
  startBrowser,
  unexplainedOf,
  VIEWINGS,
} from '../../support/page/page-browser.ts';
import type { PageServer } from '../../support/page/page-server.ts';
import { startPageServer } from '../../support/page/page-server.ts';

const NIGHTLY = process.env['VITRINE_NIGHTLY'] === '1';
if (CHROMIUM === undefined) console.log('skipped: the page tests need Chromium');

/** Where each page is, and what is there once it has its data. */
const PAGES = {
  overview: ['/', '.ledger .row + .row'],
  connect: ['/?connect=1', '.connect .received .st-ok'],
  services: ['/services', 'table.services tbody tr'],
  'service map': ['/services?view=map', '.call-map svg'],
  service: ['/service?service=payments', 'section[aria-label=Routes] tbody tr'],
  traffic: ['/traffic', '.upstream-table tbody tr + tr'],
  requests: ['/requests', '.request-rows tbody tr + tr'],
  request: ['/requests/' + fakeTraces(0)[0].id, '.one-request dl'],
  traces: ['/traces', '.trace-row'],
  logs: ['/logs', '.log-lines .line + .line'],
  patterns: ['/logs?view=patterns', '.patterns tbody tr'],
  errors: ['/errors', '.issues tbody tr'],
  map: ['/map', '.call-map .node'],
  explore: ['/explore?q=up', '.browser tbody tr'],
  alerts: ['/alerts', '.alert'],
  settings: ['/settings', '.facts-list'],
  unknown: ['/nothing/here', '.unknown'],
} as const satisfies Record<string, readonly [string, string]>;
type Name = keyof typeof PAGES;
const NAMES = Object.keys(PAGES) as Name[];
/** Pages that are looked at without data, and with a store that fails. */
const STATES = ['overview', 'services', 'service', 'traffic', 'settings', 'requests', 'logs'] as const;
const LOOKS = (Object.keys(SIZES) as Size[]).flatMap((size) =>
  (['light', 'dark'] as const).map((scheme): readonly [Size, Scheme] => [size, scheme]),
);

/** Every name with every look, or the looks taken in turn. */
const turns: readonly (readonly [Name, Size, Scheme])[] = NAMES.flatMap((name, at) =>
  LOOKS.filter((_, turn) => NIGHTLY || turn === (at * 5) % LOOKS.length).map(
    ([size, scheme]) => [name, size, scheme] as const,
  ),
);

describe.skipIf(CHROMIUM === undefined)('every page', () => {
  let browser: Browser;
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

  it.each(turns)('%s on %s in %s', async (name, size, scheme) => {
    const [target, ready] = PAGES[name];
    const expected = name === 'unknown' ? /404/ : undefined;
    await using opened = await openPage(browser, busy.url, target, { size, scheme, ...(expected && { expected }) });
    const { page, troubles } = opened;
    await page.locator(ready).first().waitFor({ state: 'attached' });
    await picture(page, `${name}-${size}-${scheme}`);
    expect(await flawsOf(page)).toEqual([]);
    expect(await axeOf(page)).toEqual([]);
    expect(await unexplainedOf(page)).toEqual([]);
    const all = Object.keys(VIEWINGS) as Viewing[];
    const turn = NAMES.indexOf(name);
    for (const viewing of NIGHTLY ? all : [all[turn % all.length], all[(turn + 2) % all.length]]) {
      expect(await flawsUnder(page, viewing)).toEqual([]);
      await picture(page, `${name}-${size}-${scheme}-${viewing.replaceAll(/\W+/g, '-')}`);
    }
    expect(troubles).toEqual([]);
  });

  it('one trace', async () => {
    const [{ id }] = fakeTraces(0);
    await using opened = await openPage(browser, busy.url, `/traces/${id}`, { size: 'phone' });
    await opened.page.locator('main .card').first().waitFor();
    expect(await flawsOf(opened.page)).toEqual([]);
  });

  const looks = NIGHTLY
    ? LOOKS
    : ([
        ['desktop', 'dark'],
        ['phone', 'light'],
      ] as const);
  describe.each(looks)('on %s in %s', (size, scheme) => {
    it.each(['empty', 'broken'] as const)('says why when the data is %s', async (kind) => {
      await using server = await startPageServer({ kind });
      for (const name of kind === 'empty' ? ([...STATES, 'traces', 'errors', 'map'] as const) : STATES) {
        await using opened = await openPage(browser, server.url, PAGES[name][0], { size, scheme });
        const { page, troubles } = opened;
        const state = page.locator('.state, .facts-list').first();
        await state.waitFor({ state: 'attached' });
        await page.locator('.loaded.dim, .plot-box.dim').first().waitFor({ state: 'detached' });
        await picture(page, `${name}-${kind}-${size}-${scheme}`);
        expect(await flawsOf(page)).toEqual([]);
        expect(await axeOf(page)).toEqual([]);
        if (kind === 'empty') expect(troubles).toEqual([]);
      }
    });

    it('keeps old data and says its age when it cannot be renewed', async () => {
      await using opened = await openPage(browser, busy.url, '/service?service=payments', {
        size,
        scheme,
        expected: /Failed to load resource/,
      });
      const { page, troubles } = opened;
      await page.locator('section[aria-label=Routes] tbody tr').first().waitFor();
      await page.route('**/api/**', (route) => route.abort());
      await page.getByText('It could not be renewed').first().waitFor();
      await picture(page, `service-stale-${size}-${scheme}`);
      expect(await page.locator('section[aria-label=Routes] tbody tr').count()).toBeGreaterThan(3);
      expect(await flawsOf(page)).toEqual([]);
      expect(await axeOf(page)).toEqual([]);
      expect(troubles).toEqual([]);
    });

    it('says that it is offline, dims what it shows, and comes back', async () => {
      const server = await startPageServer();
      await using opened = await openPage(browser, server.url, '/services', { size, scheme });
      const { page } = opened;
      await page.locator('table.services tbody tr').first().waitFor();
      await server[Symbol.asyncDispose]();
      await page.getByText('Connection lost').waitFor();
      await picture(page, `services-offline-${size}-${scheme}`);
      expect(await page.locator('main.stale').count()).toBe(1);
      expect(await page.locator('table.services tbody tr').count()).toBeGreaterThan(3);
      expect(await flawsOf(page)).toEqual([]);
      await using again = await startPageServer({ port: server.port });
      expect(again.port).toBe(server.port);
      await page.getByText('Connection lost').waitFor({ state: 'detached' });
    });
  });
});
