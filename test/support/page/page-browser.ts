/** A page in a real browser: opened in a size and a scheme, with everything that went wrong in it. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { chromium } from 'playwright-core';

const ROOT = path.resolve(import.meta.dirname, '../../..');
export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
export const SIZES = {
  desktop: { width: 1440, height: 900 },
  tablet: { width: 1024, height: 768 },
  phone: { width: 390, height: 844 },
} as const;
export type Size = keyof typeof SIZES;
export type Scheme = 'light' | 'dark';

/** Of one page, within a second. */
const MOST_MESSAGES = 8;
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

export interface Opened extends AsyncDisposable {
  readonly page: Page;
  /** Console errors and warnings, uncaught errors, dialogs, and requests to anywhere else. */
  readonly troubles: string[];
}

export interface OpenOptions {
  readonly size?: Size;
  readonly scheme?: Scheme;
  /** Answers that are part of the test, such as the 404 of an unknown page. */
  readonly expected?: RegExp;
}

const newestMs = (dir: string): number =>
  Math.max(
    ...readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(path.join(entry.parentPath, entry.name)).mtimeMs),
  );

/**
 * Builds the page as it is now and as it is shipped: the test runner's NODE_ENV would keep code that only helps development.
 * A page that is newer than its sources stays as it is, as with `npm start`.
 */
export function buildPage(): void {
  const stamp = path.join(ROOT, 'dist/page/.built');
  const builtMs = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
  if (builtMs > Math.max(newestMs(path.join(ROOT, 'src/page')), newestMs(path.join(ROOT, 'src/dashboards')))) return;
  const config = ['build', '--config', 'src/page/vite.config.ts', '--logLevel', 'warn'];
  const env = { ...process.env, NODE_ENV: 'production' };
  execFileSync(process.execPath, ['node_modules/vite/bin/vite.js', ...config], { cwd: ROOT, env });
  writeFileSync(stamp, '');
}

export const startBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: CHROMIUM as string,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });

export async function openPage(
  browser: Browser,
  url: string,
  target: string,
  options: OpenOptions = {},
): Promise<Opened> {
  const { size = 'desktop', scheme = 'light', expected } = options;
  const context = await browser.newContext({
    viewport: SIZES[size],
    colorScheme: scheme,
    hasTouch: size === 'phone',
  });
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on('console', (message) => {
    const bad = message.type() === 'error' || message.type() === 'warning';
    if (bad && expected?.test(message.text()) !== true) troubles.push(`${message.text()} ${message.location().url}`);
  });
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('dialog', (dialog) => {
    troubles.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('websocket', (socket) => {
    const sent: number[] = [];
    socket.on('framesent', () => {
      sent.push(performance.now());
      // The server closes after ten messages within a second.
      const before = sent.at(-MOST_MESSAGES);
      if (before !== undefined && performance.now() - before < 1_000)
        troubles.push(`${MOST_MESSAGES} messages to the socket within a second`);
    });
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) troubles.push(`request to ${request.url()}`);
  });
  await page.goto(url + target);
  return { page, troubles, [Symbol.asyncDispose]: () => context.close() };
}

/**
 * Scrolls sideways, too small to hit, without a name, or lying over one another. As text, because it runs in the browser.
 * A link within a sentence may be as tall as its line, and a mark of a chart small, because the list beside the chart has
 * the same links (WCAG 2.5.8, the exceptions for inline and equivalent targets).
 */
const FLAWS = `(() => {
  const found = [];
  const main = document.querySelector('main');
  if (document.documentElement.scrollWidth > innerWidth) found.push('the document scrolls sideways');
  if (main !== null && main.scrollWidth > main.clientWidth) found.push('the page scrolls sideways');
  for (const element of document.querySelectorAll('a, button, input, select')) {
    const { width, height } = element.getBoundingClientRect();
    const label = (element.getAttribute('aria-label') ?? element.textContent ?? '').trim();
    const inline = element.tagName === 'A' && getComputedStyle(element).display === 'inline';
    if (width === 0 || height === 0 || element.type === 'checkbox' || element.closest('.skip, .vh, svg') || inline) continue;
    if (width < 23.5 || height < 23.5) found.push(label.slice(0, 60) + ' is ' + Math.round(width) + '×' + Math.round(height));
    if (element.tagName === 'BUTTON' && label === '') found.push('a button has no name');
  }
  const cards = [...document.querySelectorAll('main > *, main > .loaded > *')].filter((card) => {
    const style = getComputedStyle(card);
    return style.display !== 'contents' && style.position !== 'sticky' && style.position !== 'absolute';
  });
  const boxes = cards.map((card) => card.getBoundingClientRect());
  for (const [at, a] of boxes.entries()) for (const b of boxes.slice(at + 1)) {
    if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1 && a.width > 1 && b.width > 1)
      found.push('two cards overlap at ' + Math.round(b.left) + ',' + Math.round(b.top));
  }
  const names = [...document.querySelectorAll('main section[aria-label]')].map((one) => one.getAttribute('aria-label'));
  for (const [at, name] of names.entries()) if (names.indexOf(name) < at) found.push('the section ' + name + ' is there twice');
  return found;
})()`;

/**
 * Figures on the page without a button that says how they are computed, by the card they stand on. Rows of records
 * (requests, traces, lines) are what was measured, and not computed; so are what somebody typed in.
 */
const UNEXPLAINED = `(() => {
  const found = new Set();
  const button = (place) => place?.querySelector('button[aria-label^="How "][aria-label$=" is computed"]') ?? null;
  for (const figure of document.querySelectorAll('main .kpi .v, main td.num, main [role=cell].num, main .facts b, main .fact-row dd')) {
    if (!/\\d/.test(figure.textContent) || figure.closest('.request-rows, .trace-row, .lines, [data-record]')) continue;
    const card = figure.closest('.card, .verdict');
    if (button(card) === null && button(document.querySelector('main .page-head')) === null)
      found.add(card?.getAttribute('aria-label') ?? card?.className ?? 'no card');
  }
  return [...found];
})()`;

export const unexplainedOf = (page: Page): Promise<string[]> => page.evaluate<string[]>(UNEXPLAINED);

/**
 * Content taller than its box, text that lies over other text, and text at the very edge of its card. Text is where its
 * letters are, as far as the boxes around it do not clip it; the thresholds are what line heights differ by.
 */
const MISPLACED = `(() => {
  const main = document.querySelector('main');
  if (main === null) return [];
  const found = new Set();
  const short = (node) => (node.textContent ?? '').trim().slice(0, 40);
  for (const box of main.querySelectorAll('.hd, .row, [role=row], button, .btn, td')) {
    const style = getComputedStyle(box);
    if (style.overflowY !== 'visible' || style.display === 'inline' || box.clientHeight === 0 || box.closest('.vh, svg')) continue;
    if (box.scrollHeight > box.clientHeight + 3) found.add('taller than its box by ' + (box.scrollHeight - box.clientHeight) + ': ' + box.className + ' ' + short(box));
  }
  const known = new Map([[main, { left: -1e6, top: -1e6, right: 1e6, bottom: 1e6 }]]);
  const clipOf = (element) => {
    const before = known.get(element);
    if (before !== undefined) return before;
    const style = getComputedStyle(element);
    const above = clipOf(element.parentElement);
    const clip = { ...above };
    if (style.overflowX !== 'visible' || style.overflowY !== 'visible') {
      const box = element.getBoundingClientRect();
      Object.assign(clip, {
        left: Math.max(above.left, box.left),
        top: Math.max(above.top, box.top),
        right: Math.min(above.right, box.right),
        bottom: Math.min(above.bottom, box.bottom),
      });
    }
    // A sheet lies over the page.
    if (style.clipPath.startsWith('inset(50%') || style.position === 'fixed') clip.right = clip.left;
    known.set(element, clip);
    return clip;
  };
  const texts = [];
  const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (node.data.trim() === '' || parent.closest('svg, .vh, .tip, .u-wrap, dialog, option, textarea') !== null) continue;
    // What a closed <details> holds has a place too.
    if (!parent.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const clip = clipOf(parent);
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      const seen = { left: Math.max(box.left, clip.left), top: Math.max(box.top, clip.top), right: Math.min(box.right, clip.right), bottom: Math.min(box.bottom, clip.bottom), node, parent };
      if (seen.right - seen.left > 1 && seen.bottom - seen.top > 1) texts.push(seen);
    }
  }
  texts.sort((a, b) => a.top - b.top);
  for (const [at, a] of texts.entries()) {
    for (let next = at + 1; next < texts.length && texts[next].top < a.bottom - 6; next += 1) {
      const b = texts[next];
      if (a.parent === b.parent || a.left > b.right - 3 || b.left > a.right - 3 || b.bottom - b.top < 7) continue;
      found.add('text over text: ' + short(a.node) + ' / ' + short(b.node));
    }
    const card = a.parent.closest('.card');
    if (card !== null && a.left < card.getBoundingClientRect().left + 3) found.add('text at the edge of its card: ' + short(a.node));
  }
  return [...found].slice(0, 12);
})()`;

export const misplacedOf = (page: Page): Promise<string[]> => page.evaluate<string[]>(MISPLACED);

export const flawsOf = (page: Page): Promise<string[]> => page.evaluate<string[]>(FLAWS);

/** Ways in which people look at a page; each is put on a page that is open. */
export const VIEWINGS = {
  /** WCAG 1.4.4: 200 % of 1440×900 are as many CSS pixels. */
  'at 200 %': (page: Page) => page.setViewportSize({ width: 720, height: 450 }),
  /** WCAG 1.4.10: reflow. */
  'at 320 px': (page: Page) => page.setViewportSize({ width: 320, height: 640 }),
  /** WCAG 1.4.12. A sheet made by script: the policy of the page allows no inline style. */
  'with wide text': (page: Page) =>
    page.evaluate(`(() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync('* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }');
      document.adoptedStyleSheets = [sheet];
    })()`),
  'in forced colours': (page: Page) => page.emulateMedia({ forcedColors: 'active' }),
  'with little motion': (page: Page) => page.emulateMedia({ reducedMotion: 'reduce' }),
} as const;
export type Viewing = keyof typeof VIEWINGS;

/** Text that its box cuts without an ellipsis, and movement that goes on for ever. */
const CUT = `(() => {
  const found = [];
  for (const element of document.querySelectorAll('main h1, main h2, main button, main th, main td, main dd, main p, main .v, nav a')) {
    const style = getComputedStyle(element);
    if (element.closest('.vh') || style.overflowX === 'visible' || style.textOverflow === 'ellipsis') continue;
    if (element.scrollWidth > element.clientWidth + 2 && element.clientWidth > 1 && style.overflowX === 'hidden')
      found.push('cut: ' + element.textContent.trim().slice(0, 60));
  }
  if (matchMedia('(prefers-reduced-motion: reduce)').matches)
    for (const moving of document.getAnimations()) {
      if (moving.effect.getComputedTiming().iterations === Infinity && moving.playState === 'running')
        found.push('moves for ever: ' + moving.effect.target.className);
    }
  return found;
})()`;

/** The flaws of the page under one way of looking at it. */
export async function flawsUnder(page: Page, viewing: Viewing): Promise<string[]> {
  await VIEWINGS[viewing](page);
  // Charts follow the size of their boxes in the next frames.
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
  const found = [...(await flawsOf(page)), ...(await page.evaluate<string[]>(CUT))];
  // The sheet for wide text also lowers line heights that are larger, and with them the heights of links.
  return found
    .filter((flaw) => viewing !== 'with wide text' || !/ is \d+×\d+$/.test(flaw))
    .map((flaw) => `${viewing}: ${flaw}`);
}

/** What axe finds, one line each. */
export async function axeOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const script = `axe.run(document, { runOnly: ${JSON.stringify(RULES)} }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html.slice(0, 160))))`;
  return page.evaluate<string[]>(script);
}

/** Writes a picture when `VITRINE_PICTURES` names a folder, to be looked at beside the design. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['VITRINE_PICTURES'];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
}
