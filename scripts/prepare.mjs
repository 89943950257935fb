// Builds the page after `npm ci`. Without Vite (an install without development packages) it says so and is content.
import { existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

const vite = new URL('../node_modules/vite/bin/vite.js', import.meta.url).pathname;
if (!existsSync(vite) || !existsSync(new URL('../src/page/vite.config.ts', import.meta.url).pathname)) {
  console.log('vitrine: the page is not built (Vite is not installed)');
  process.exit(0);
}
const node = new URL('../node_modules/.bin/node', import.meta.url).pathname;
const { status } = spawnSync(
  existsSync(node) ? node : process.execPath,
  [vite, 'build', '--config', 'src/page/vite.config.ts', '--logLevel', 'warn'],
  {
    stdio: 'inherit',
  },
);
process.exit(status ?? 1);
