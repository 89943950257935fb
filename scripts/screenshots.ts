/**
 * Writes docs/images/overview-{light,dark}.png: a real sample stack under load in a real browser. Needs Chromium and the built
 * page; `CHROMIUM` names another browser than /usr/bin/chromium.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';

const ROOT = path.resolve(import.meta.dirname, '..');
const FOLDER = path.join(ROOT, 'docs/images');
const MAX_BYTES = 300_000;
/** Long enough for the charts to have a shape. */
const LOAD_SECONDS = Number(process.env['LOAD_SECONDS'] ?? 60);
const [page = 'http://127.0.0.1:4000', balancer = 'http://127.0.0.1:8080'] = process.argv.slice(2);

mkdirSync(FOLDER, { recursive: true });
const load = spawn(
  process.execPath,
  [
    path.join(ROOT, 'src/main.ts'),
    'load',
    '--url',
    balancer,
    '--scenario',
    'payments',
    '--users',
    '12',
    '--rate',
    '120',
    '--duration',
    String(LOAD_SECONDS + 20),
  ],
  { stdio: 'ignore' },
);
await new Promise((resolve) => setTimeout(resolve, LOAD_SECONDS * 1_000));
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  for (const colorScheme of ['light', 'dark'] as const) {
    const tab = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme });
    await tab.goto(page);
    await tab.locator('main .card .plot, main .card canvas').first().waitFor({ state: 'attached' });
    // The first pushed frame after the charts are drawn.
    await tab.waitForTimeout(2_500);
    const file = path.join(FOLDER, `overview-${colorScheme}.png`);
    await tab.screenshot({ path: file });
    const { size } = statSync(file);
    console.log(`${file}: ${size} bytes`);
    if (size > MAX_BYTES) throw new Error(`${file} is larger than ${MAX_BYTES} bytes`);
    await tab.close();
  }
} finally {
  await browser.close();
  load.kill('SIGTERM');
}
