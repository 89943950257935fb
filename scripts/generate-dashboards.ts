/**
 * Writes every dashboard as Grafana JSON into dashboards/, and removes files of dashboards that no longer exist. `--check`
 * writes nothing and fails when a file is not what it would write.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DASHBOARDS } from '../src/dashboards/all.ts';
import { grafanaDashboard } from '../src/dashboards/grafana.ts';

const FOLDER = new URL('../dashboards/', import.meta.url);

/** File name → text. */
export function grafanaFiles(): Map<string, string> {
  return new Map(
    DASHBOARDS.map((dashboard) => [
      `${dashboard.id}.json`,
      `${JSON.stringify(grafanaDashboard(dashboard), null, 2)}\n`,
    ]),
  );
}

/** One message for each file that is wrong. */
export function staleDashboards(folder: URL = FOLDER): string[] {
  const expected = grafanaFiles();
  const present = readdirSync(folder);
  return [
    ...present.filter((file) => !expected.has(file)).map((file) => `dashboards/${file} belongs to no dashboard`),
    ...[...expected]
      .filter(([file, text]) => !present.includes(file) || readFileSync(new URL(file, folder), 'utf8') !== text)
      .map(([file]) => `dashboards/${file} is not what the code says`),
  ];
}

if (import.meta.main) {
  mkdirSync(FOLDER, { recursive: true });
  if (process.argv.includes('--check')) {
    for (const problem of staleDashboards()) {
      console.error(`${problem}: run npm run dashboards`);
      process.exitCode = 1;
    }
  } else {
    const files = grafanaFiles();
    for (const file of readdirSync(FOLDER)) if (!files.has(file)) rmSync(new URL(file, FOLDER));
    for (const [file, text] of files) writeFileSync(new URL(file, FOLDER), text);
  }
}
