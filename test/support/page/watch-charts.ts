/** What twelve live charts cost the browser: heap, processor time of the page's thread, and how often they are drawn. */
import type { Browser } from 'playwright-core';
import { startPageServer } from './page-server.ts';
import { waveQuerier } from './wave-querier.ts';

/** Draws of canvases since the page was opened; each draw of a chart begins with one clearing of its canvas. */
const COUNT_DRAWS = `
  window.draws = 0;
  const clear = CanvasRenderingContext2D.prototype.clearRect;
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    window.draws += 1;
    return clear.apply(this, box);
  };`;

export interface Watched {
  readonly grownMiB: number;
  /** Processor time of the page's thread, of one core. */
  readonly share: number;
  /** Of one chart. */
  readonly drawnHz: number;
}

/** Twelve live charts for the time of the soak. The figures are processor time, so that other work on the machine is not in them. */
export async function watchCharts(browser: Browser, watchSeconds: number): Promise<Watched> {
  const labels = Array.from({ length: 11 }, (_, at) => `label_${at}`);
  const querier = waveQuerier(['a', 'b', 'c'], { labelNames: () => Promise.resolve(['__name__', ...labels]) });
  await using server = await startPageServer({ overrides: { querier } });
  // All twelve are on the screen, so that all of them are drawn.
  const context = await browser.newContext({ viewport: { width: 1440, height: 2_400 } });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => context.close());
  const page = await context.newPage();
  await page.addInitScript(COUNT_DRAWS);
  await page.goto(`${server.url}/explore?metric=up`);
  await page.getByRole('button', { name: /^Split by the other/ }).click();
  await page.locator('figure canvas').nth(11).waitFor();
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const heap = async (): Promise<number> => {
    for (let turn = 0; turn < 3; turn += 1) await session.send('HeapProfiler.collectGarbage');
    return (await session.send('Runtime.getHeapUsage')).usedSize;
  };
  const now = async (): Promise<{ busy: number; draws: number; ms: number }> => {
    const { metrics } = await session.send('Performance.getMetrics');
    const busy = metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
    return { busy, draws: await page.evaluate<number>('window.draws'), ms: performance.now() };
  };
  // What the first seconds allocate once (code, caches, canvases) is no growth.
  await page.waitForTimeout(Math.min(20_000, watchSeconds * 300));
  const [heapBefore, before] = [await heap(), await now()];
  await page.waitForTimeout(watchSeconds * 1_000);
  const [after, heapAfter] = [await now(), await heap()];
  const seconds = (after.ms - before.ms) / 1_000;
  return {
    grownMiB: (heapAfter - heapBefore) / 1_048_576,
    share: (after.busy - before.busy) / seconds,
    drawnHz: (after.draws - before.draws) / 12 / seconds,
  };
}
