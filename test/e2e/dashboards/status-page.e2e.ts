/**
 * The public status page in Chromium, over its real port: 200 hostile names and texts run no script, axe finds nothing, it can
 * be used by keyboard, and the exported folder opens from the disk.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Labels } from '../../../src/model/labels.ts';
import { announcedWindows } from '../../../src/monitor/status/announced.ts';
import { statusListener } from '../../../src/monitor/status/listener.ts';
import { HOSTILE } from '../../monitor/status/hostile.ts';
import { down, HAND, HOUR, incident, NOW, statusRig, up, type Rig } from '../../monitor/status/rig.ts';
import { axeOf, CHROMIUM, picture, SIZES, startBrowser } from '../../support/page/page-browser.ts';
import { freshDir } from '../../support/program.ts';

if (CHROMIUM === undefined) console.log('skipped: the status page tests need Chromium');

describe.skipIf(CHROMIUM === undefined)('the status page', () => {
  let browser: Browser;
  let rig: Rig;
  let server: Server;
  let url = '';
  const dir = freshDir('status-export');

  beforeAll(async () => {
    browser = await startBrowser();
    // Names of components are unique; half of the texts are names, and all are titles and updates.
    const names = [...new Set(HOSTILE.slice(0, 100))];
    rig = statusRig({
      title: HOSTILE[2],
      components: names.map((name, at) => ({
        name,
        description: HOSTILE[199 - at],
        targets: [at % 3 === 0 ? 'bad' : 'good'],
      })),
    });
    rig.targets.known.set('good', up).set('bad', down);
    // Windows whose every text is hostile; each concerns all components.
    const windows = HOSTILE.slice(0, 60).map((text, at) => ({
      name: text,
      comment: text,
      createdBy: text,
      matchers: [],
      schedule: { kind: 'once', fromMs: NOW + (at + 1) * HOUR, toMs: NOW + 99 * HOUR } as const,
    }));
    const maintenance = { all: () => windows, presentOpening: () => undefined, concerns: () => true };
    rig.windows.make = (nowMs) => announcedWindows(rig.config, { maintenance, labels: () => Labels.empty }, nowMs);
    const write = (text: string, at: number) =>
      rig.notices.create(
        incident({ title: text, components: names.slice(0, at % 3), endMs: at < 100 ? null : NOW - at }),
        { atMs: NOW, stage: 'investigating', text },
        HAND,
        NOW,
      );
    await Promise.all(HOSTILE.map(write));
    server = createServer(statusListener(rig.publisher));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
    await rig?.[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });

  it.each(['desktop', 'phone'] as const)('runs no script and has no flaw on %s', async (size) => {
    await using context = await browser.newContext({ viewport: SIZES[size] });
    const page = await context.newPage();
    const troubles: string[] = [];
    const asked: string[] = [];
    page.on('console', (message) => troubles.push(message.text()));
    page.on('pageerror', (error) => troubles.push(String(error)));
    page.on('dialog', (dialog) => {
      troubles.push(dialog.message());
      void dialog.dismiss();
    });
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(url);
    await picture(page, `status-page-${size}`);
    expect(await page.locator('.card h3').count()).toBeGreaterThan(150);
    const state = await page.evaluate<{ hit: boolean; scripts: number; wide: boolean }>(
      `({ hit: 'hit' in window, scripts: document.scripts.length, wide: document.documentElement.scrollWidth > innerWidth })`,
    );
    expect(state).toEqual({ hit: false, scripts: 0, wide: false });
    for (const other of ['/badge/component-13/state.svg', '/feed.atom', `/incidents/${rig.notices.all()[0].id}.html`]) {
      await page.goto(url + other);
      expect(await page.evaluate(`'hit' in window`)).toBe(false);
    }
    expect(asked.filter((one) => !one.startsWith(url) && one !== 'data:,')).toEqual([]);
    expect(troubles.filter((text) => !text.includes('404'))).toEqual([]);
  });

  it('has no flaw for axe, and its links and details are reached by keyboard', async () => {
    await using quiet = statusRig({ components: [{ name: 'Shop', targets: ['bad'] }] });
    quiet.targets.known.set('bad', down);
    await quiet.notices.create(incident(), { atMs: NOW, stage: 'investigating', text: 'We look.' }, HAND, NOW);
    const own = createServer(statusListener(quiet.publisher));
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
    // The policy of the page admits no script, not even that of axe.
    await using context = await browser.newContext({ viewport: SIZES.desktop, bypassCSP: true });
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${(own.address() as AddressInfo).port}`);
    expect(await axeOf(page)).toEqual([]);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(`document.activeElement.textContent`)).toBe('Card payments fail');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.locator('details[open] tbody tr').count()).toBe(1);
    own.closeAllConnections();
    own.close();
  });

  it('opens from the folder that it was exported to', async () => {
    await using quiet = statusRig({ components: [{ name: 'Shop', targets: ['bad'] }] });
    await quiet.notices.create(incident(), { atMs: NOW, stage: 'investigating', text: 'We look.' }, HAND, NOW);
    for (const [name, text] of quiet.publisher.texts()) {
      const file = path.join(dir, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    await using context = await browser.newContext({ viewport: SIZES.desktop });
    const page = await context.newPage();
    await page.goto(pathToFileURL(path.join(dir, 'index.html')).href);
    const coloured = `getComputedStyle(document.querySelector('.card')).borderTopWidth`;
    expect(await page.evaluate(coloured)).toBe('1px');
    await page.locator('article h3 a').first().click();
    await page.waitForURL(/incidents\/[0-9a-f]+\.html$/);
    await page.locator('header a').click();
    await page.waitForURL(/index\.html$/);
  });
});
