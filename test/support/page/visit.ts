/** A visit of one page in a real browser, measured: until its answers are there, how large they are, how long tasks last. */
import type { Browser, Page } from 'playwright-core';

export interface Visit {
  /** From the click until the last answer that the page asked for at once. */
  readonly ms: number;
  /** Of the largest answer, unpacked. */
  readonly largestBytes: number;
  readonly largestPath: string;
  /** Of tasks of the page's thread. */
  readonly longestTaskMs: number;
}

/** Before any script of the page runs. */
const OBSERVE = `
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.longTasks.push(entry.duration);
  }).observe({ entryTypes: ['longtask'] });`;

interface Seen {
  readonly ms: number;
  readonly bytes: number;
  readonly path: string;
  readonly tasks: number[];
}

const SEEN = `(() => {
  const answers = performance.getEntriesByType('resource').filter(({ name }) => new URL(name).pathname.startsWith('/api/'));
  const largest = answers.toSorted((a, b) => b.decodedBodySize - a.decodedBodySize)[0];
  return {
    ms: Math.max(0, ...answers.map(({ responseEnd }) => responseEnd)),
    bytes: largest?.decodedBodySize ?? 0,
    path: largest === undefined ? '' : new URL(largest.name).pathname,
    tasks: window.longTasks,
  };
})()`;

export interface VisitOptions {
  /** Something that is on the page once it has its data. */
  readonly ready: string;
  /** What a person does there; long tasks count until it has ended. */
  readonly after?: (page: Page) => Promise<void>;
}

export async function visit(browser: Browser, url: string, { ready, after }: VisitOptions): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1_440, height: 900 } });
  try {
    const page = await context.newPage();
    await page.addInitScript(OBSERVE);
    await page.goto(url);
    await page.locator(ready).first().waitFor({ state: 'attached', timeout: 60_000 });
    await page.waitForLoadState('networkidle', { timeout: 60_000 }).catch(() => {});
    const { ms, bytes, path } = await page.evaluate<Seen>(SEEN);
    await after?.(page);
    const { tasks } = await page.evaluate<Seen>(SEEN);
    return { ms, largestBytes: bytes, largestPath: path, longestTaskMs: Math.max(0, ...tasks) };
  } finally {
    await context.close();
  }
}
