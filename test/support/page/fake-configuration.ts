/** What Settings shows of a server, as the default configuration has it. */
import { effectiveSettings } from '../../../src/app/monitor/effective-settings.ts';
import { settingsFrom } from '../../../src/app/process/settings.ts';
import type { SettingsSource } from '../../../src/monitor/api/settings-routes.ts';

const DAY_MS = 86_400_000;
const settings = settingsFrom('auth: { token: a-token-that-nobody-may-see }\nstore: { retention: 60d }\n', {
  file: 'vitrine.yaml',
  env: {},
});

export const fakeConfiguration: SettingsSource = {
  settings: () => effectiveSettings(settings),
  store: () => ({
    samples: {
      series: 4_120,
      diskBytes: 310_000_000,
      memoryBytes: 61_000_000,
      days: 12,
      writable: true,
      secondsToFull: 41 * 86_400,
    },
    maxBytes: 10 * 2 ** 30,
    keepMs: { samples: 60 * DAY_MS, logs: 14 * DAY_MS, traces: 14 * DAY_MS, requests: 30 * DAY_MS },
  }),
};
