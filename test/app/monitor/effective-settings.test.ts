import { describe, expect, it } from 'vitest';
import { effectiveSettings } from '../../../src/app/monitor/effective-settings.ts';
import { settingsFrom } from '../../../src/app/process/settings.ts';
import type { SettingView } from '../../../src/monitor/api/care-contract.ts';

const rowsOf = (text: string): SettingView[] =>
  effectiveSettings(settingsFrom(text, { file: 'vitrine.yaml', env: { HOOK: 'https://hooks.example/hidden-1' } }));

describe('the effective configuration', () => {
  it('has every value with its unit, and those that were set first', () => {
    const rows = rowsOf('store: { retention: 20d, head_size: 64MiB }\nmonitor: { listen: "127.0.0.1:4444" }\n');
    expect(rows.filter(({ is_default: usual }) => !usual)).toEqual([
      { key: 'monitor.listen', value: '127.0.0.1:4444', unit: '', is_default: false },
      { key: 'store.retention', value: 20 * 86_400_000, unit: 'ms', is_default: false },
      { key: 'store.head_size', value: 64 * 2 ** 20, unit: 'bytes', is_default: false },
    ]);
    expect(rows.findIndex(({ is_default: usual }) => usual)).toBe(3);
    expect(rows.length).toBeGreaterThan(100);
  });

  it('hides whatever may be a secret', () => {
    const rows = rowsOf(`
auth: { token: hidden-2-is-long-enough }
balancer:
  routes:
    - name: a
      path: /
      request_headers: { set: { authorization: Bearer hidden-3, x-anything: hidden-4 } }
      upstreams: [{ url: "http://127.0.0.1:9" }]
notify:
  webhook: { url: "\${HOOK}" }
`);
    const text = JSON.stringify(rows);
    expect(text).not.toMatch(/hidden-\d/);
    const value = (key: string): unknown => rows.find((row) => row.key === key)?.value;
    expect(value('auth.token')).toBe('<secret>');
    const headers = rows.filter(({ key }) => key.includes('request_headers'));
    expect(headers.length).toBeGreaterThan(1);
    const written = headers.map((row) => row.value).filter((shown) => shown !== 'none' && shown !== '');
    expect([written.length > 0, new Set(written)]).toEqual([true, new Set(['<secret>'])]);
    expect(value('balancer.routes[0].upstreams[0]')).toBe('127.0.0.1:9');
    // A route inherits what it does not set.
    const inherited = rows.find(({ key }) => key === 'balancer.routes[0].timeouts.client_head');
    expect(inherited).toEqual({ key: inherited?.key, value: 10_000, unit: 'ms', is_default: true });
  });
});
