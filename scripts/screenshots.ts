/**
 * `npm run screenshots` writes the README's pictures, docs/images/overview-{light,dark}.png: its own stack on free ports under
 * load, in a real browser. `npm run screenshots -- http://127.0.0.1:4000 http://127.0.0.1:8080` takes a running stack instead.
 * Needs Chromium; `CHROMIUM` names another than /usr/bin/chromium. `LOAD_SECONDS` is how long the load runs before the pictures
 * are taken, 900 unless told otherwise: then the charts are full. `IMAGES_FOLDER` is another place for them.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium, type Page } from 'playwright-core';
import { startVitrine } from '../test/support/programs/vitrine-process.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const FOLDER = path.resolve(process.env['IMAGES_FOLDER'] ?? path.join(ROOT, 'docs/images'));
const MAX_BYTES = 300_000;
/** The range of the charts. */
const LOAD_SECONDS = Number(process.env['LOAD_SECONDS'] ?? 900);
/** A chart is drawn when its data has arrived; on a busy machine that takes a while. */
const CHART_LIMIT_MS = 30_000;

/** `ended` rejects when the load stops: without requests there is nothing to draw. */
function startLoad(balancer: string): { child: ChildProcess; ended: Promise<never> } {
  const main = path.join(ROOT, 'src/main.ts');
  const shape = ['--scenario', 'payments', '--users', '12', '--rate', '120', '--duration', String(LOAD_SECONDS + 120)];
  const child = spawn(process.execPath, [main, 'load', '--url', balancer, ...shape], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = `${output}${chunk.toString()}`.slice(-2_000)));
  const ended = new Promise<never>((_, reject) =>
    child.once('exit', (code) => reject(new Error(`The load ended with code ${code} before the pictures:\n${output}`))),
  );
  ended.catch(() => undefined);
  return { child, ended };
}

/** Waits for both charts; on failure the error says what the page showed instead. */
async function chartsOf(tab: Page): Promise<void> {
  try {
    for (const panel of ['.p-traffic', '.p-latency'])
      await tab.locator(`${panel} canvas`).waitFor({ timeout: CHART_LIMIT_MS });
  } catch (cause) {
    const shown = (await tab.locator('body').innerText()).slice(0, 500);
    throw new Error(`${tab.url()} shows no charts but this:\n${shown}`, { cause });
  }
}

async function take(page: string): Promise<void> {
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  try {
    for (const colorScheme of ['light', 'dark'] as const) {
      const tab = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme });
      const answer = await tab.goto(page);
      // The files of the page are read when the monitor starts: one built later is not there.
      if (answer?.ok() !== true)
        throw new Error(`${page} answered ${answer?.status()}: build the page, then start the stack again.`);
      await chartsOf(tab);
      // The first pushed frame after the charts are drawn.
      await tab.waitForTimeout(2_500);
      const file = path.join(FOLDER, `overview-${colorScheme}.png`);
      await tab.screenshot({ path: file });
      const { size } = statSync(file);
      console.log(`${path.relative(ROOT, file)}: ${size} bytes`);
      if (size > MAX_BYTES) throw new Error(`${file} is larger than ${MAX_BYTES} bytes`);
      await tab.close();
    }
  } finally {
    await browser.close();
  }
}

async function run(page: string, balancer: string): Promise<void> {
  const load = startLoad(balancer);
  try {
    await Promise.race([delay(LOAD_SECONDS * 1_000), load.ended]);
    await take(page);
  } finally {
    load.child.kill('SIGTERM');
  }
}

mkdirSync(FOLDER, { recursive: true });
const [page, balancer] = process.argv.slice(2);
if (page !== undefined && balancer !== undefined) await run(page, balancer);
else {
  await using vitrine = await startVitrine();
  await run(vitrine.monitor, vitrine.balancer);
}
