/**
 * Every page in every size and theme and in each state: nothing scrolls sideways or overlaps, targets are large enough, axe
 * finds nothing and the console is silent. Here the sizes and themes alternate; VITRINE_NIGHTLY=1 takes all of them. Beside
 * them the cost of live charts is measured.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alertViews } from '../../../src/monitor/api/views.ts';
import { fakeAlerts, fakeTraces } from '../../support/page/fake-stack.ts';
import type { Scheme, Size, Viewing } from '../../support/page/page-browser.ts';
import {
  axeOf,
  buildPage,
  CHROMIUM,
  flawsOf,
  flawsUnder,
  misplacedOf,
  openPage,
  picture,
  SIZES,
  startBrowser,
  unexplainedOf,
  VIEWINGS,
} from '../../support/page/page-browser.ts';
import type { PageServer } from '../../support/page/page-server.ts';
import { startPageServer } from '../../support/page/page-server.ts';
import type { Watched } from '../../support/page/watch-charts.ts';
import { watchCharts } from '../../support/page/watch-charts.ts';

const NIGHTLY = process.env['VITRINE_NIGHTLY'] === '1';
const SOAK_SECONDS = Number(process.env['SOAK_SECONDS'] ?? (NIGHTLY ? 600 : 120));
if (CHROMIUM === undefined) console.log('skipped: the page tests need Chromium');

/** The error of the fake stack; its id is made of its service, type and message. */
const FAILED_CHARGE = 'dd83a4ac3893';

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
  error: [`/errors/${FAILED_CHARGE}`, '.one-request dl'],
  alerts: ['/alerts', '.alert'],
  'alert groups': ['/alerts?view=groups', '.member + .member'],
  'alert history': ['/alerts?view=history', 'section[aria-label=History] tbody tr + tr'],
  'alert channels': ['/alerts?view=channels', '.trials form + form'],
  'alert rules': ['/alerts/rules', 'table.rules tbody tr'],
  alert: [`/alerts/${alertViews(fakeAlerts(0))[0].fingerprint}?silence=new`, '.alert-body .newest'],
  targets: ['/targets', '.target-grid tbody tr + tr'],
  target: ['/targets/bank-api', '.evidence pre'],
  'target form': ['/targets?edit=bank-api', '.target-form input'],
  objectives: ['/slo', '.eaters, .months tbody tr'],
  'objective trial': ['/slo?try=1&good=status%3A%3C500', '.objective-trial .months tbody tr'],
  'status page': ['/status?new=1&update=a1b2c3d4e5f6', '.notice form'],
  settings: ['/settings', '.facts-list'],
  trace: [`/traces/${fakeTraces(0)[0].id}`, '.span-row'],
  dashboards: ['/dashboards', '.board'],
  dashboard: ['/dashboards/balancer', '.panel .plot'],
  comparison: ['/dashboards/services?against=before', '.what-changed tbody tr'],
  unknown: ['/nothing/here', '.unknown'],
} as const satisfies Record<string, readonly [string, string]>;
type Name = keyof typeof PAGES;
/** Views of a page whose frame another name has already. */
const VIEWS: readonly Name[] = ['alert groups', 'alert history', 'alert channels', 'comparison', 'objective trial'];
const NAMES = (Object.keys(PAGES) as Name[]).filter((name) => NIGHTLY || !VIEWS.includes(name));
/** Pages that say nothing else without data: one is made of no data, the others say what is not there. */
const SAME = ['connect', 'unknown', 'dashboards', 'alert channels'] as const satisfies readonly Name[];
const STATEFUL = NAMES.filter((name) => !SAME.some((same) => same === name));
/** Pages that ask again by themselves within fifteen seconds: they say so when the answer fails. */
const RENEWED: readonly Name[] = [
  'overview',
  'services',
  'service',
  'traffic',
  'requests',
  'traces',
  'logs',
  'errors',
  'settings',
  'alert',
  'target',
  ...(NIGHTLY ? (['alerts', 'alert groups', 'alert rules', 'targets', 'objectives'] as const) : []),
];
/** Ten pages one after the other, on a machine that does other things. */
const SLOWLY = { timeout: NIGHTLY ? 900_000 : 400_000 };
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
  let watched: Promise<Watched> | undefined;

  beforeAll(async () => {
    buildPage();
    browser = await startBrowser();
    busy = await startPageServer();
    // It waits most of the time, and takes no longer than the other tests of this file.
    watched = watchCharts(browser, SOAK_SECONDS);
    watched.catch(() => undefined);
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
    expect(await misplacedOf(page)).toEqual([]);
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

  it('finds what lies wrong on a page', async () => {
    const page = await browser.newPage();
    await page.setContent(`<main style="font: 14px sans-serif">
      <section class="card" style="padding: 20px">
        <div class="hd" style="height: 20px"><input style="height: 44px"></div>
        <div style="height: 4px">one line</div><div>another line</div>
        <p style="margin-left: -20px">too far left</p>
        <p style="height: 16px; overflow: hidden"><span>shown</span><br><span>not shown</span></p>
      </section></main>`);
    expect(await misplacedOf(page)).toEqual([
      expect.stringMatching(/^taller than its box by \d+: hd/),
      'text over text: one line / another line',
      'text at the edge of its card: too far left',
    ]);
    await page.close();
  });

  const looks = NIGHTLY
    ? LOOKS
    : ([
        ['desktop', 'dark'],
        ['phone', 'light'],
      ] as const);
  describe.each(looks)('on %s in %s', (size, scheme) => {
    /** All pages in the nightly run, else every second one in each look, so that each is seen in one. */
    const inTurn = (names: readonly Name[]): readonly Name[] =>
      names.filter((_, at) => NIGHTLY || at % looks.length === looks.findIndex(([one]) => one === size));

    it.each(['empty', 'broken'] as const)('says why when the data is %s', SLOWLY, async (kind) => {
      await using server = await startPageServer({ kind });
      for (const name of inTurn(STATEFUL)) {
        await using opened = await openPage(browser, server.url, PAGES[name][0], { size, scheme, expected: /404/ });
        const { page, troubles } = opened;
        const state = page.locator('.state, .facts-list, .unknown').first();
        await state.waitFor({ state: 'attached' });
        await page.locator('.loaded.dim, .plot-box.dim').first().waitFor({ state: 'detached' });
        await picture(page, `${name}-${kind}-${size}-${scheme}`);
        expect([name, await flawsOf(page)]).toEqual([name, []]);
        expect([name, await axeOf(page)]).toEqual([name, []]);
        if (kind === 'empty') expect([name, troubles]).toEqual([name, []]);
      }
    });

    it(
      'keeps old data that cannot be renewed, says that it is offline, dims what it shows, and comes back',
      SLOWLY,
      async () => {
        const server = await startPageServer();
        await using tabs = new AsyncDisposableStack();
        const pages: (readonly [Name, Page, string[]])[] = [];
        for (const name of inTurn(STATEFUL)) {
          const expected = /Failed to load resource|WebSocket connection/;
          const { page, troubles } = tabs.use(
            await openPage(browser, server.url, PAGES[name][0], { size, scheme, expected }),
          );
          await page.locator(PAGES[name][1]).first().waitFor({ state: 'attached' });
          pages.push([name, page, troubles]);
        }
        const kept = async (name: Name, page: Page, state: string): Promise<void> => {
          expect([name, await page.locator(PAGES[name][1]).count()]).not.toEqual([name, 0]);
          await picture(page, `${name}-${state}-${size}-${scheme}`);
          expect([name, state, await flawsOf(page)]).toEqual([name, state, []]);
        };
        for (const [, page] of pages) await page.route('**/api/**', (route) => route.abort());
        for (const [name, page] of pages) {
          if (!RENEWED.includes(name)) continue;
          await page.bringToFront();
          await page.getByText('It could not be renewed').first().waitFor();
          await kept(name, page, 'stale');
        }
        for (const [, page] of pages) await page.unrouteAll();
        await server[Symbol.asyncDispose]();
        for (const [name, page] of pages) {
          await page.getByText('Connection lost').waitFor();
          expect([name, await page.locator('main.stale').count()]).toEqual([name, 1]);
          await kept(name, page, 'offline');
          if (NIGHTLY || name === 'service') expect(await axeOf(page)).toEqual([]);
        }
        await using again = await startPageServer({ port: server.port });
        expect(again.port).toBe(server.port);
        for (const [name, page, troubles] of pages) {
          await page.getByText('Connection lost').waitFor({ state: 'detached' });
          expect([name, troubles]).toEqual([name, []]);
        }
      },
    );
  });

  it(
    'grows no heap and leaves the thread free while 12 charts are live',
    { timeout: (SOAK_SECONDS + 240) * 1_000 },
    async () => {
      const measuring = watched ?? watchCharts(browser, SOAK_SECONDS);
      watched = undefined;
      const { grownMiB, share, drawnHz } = await measuring;
      const figures = `heap ${grownMiB.toFixed(2)} MiB, thread ${(share * 100).toFixed(1)} % of a core`;
      console.log(`12 live charts, ${SOAK_SECONDS} s: ${figures}, each drawn ${drawnHz.toFixed(2)} times a second`);
      expect(grownMiB).toBeLessThan(5);
      expect(share).toBeLessThan(0.1);
      expect(drawnHz).toBeGreaterThan(0.8);
    },
  );
});
