import { describe, expect, it } from 'vitest';
import { overlaysFrom } from '../../src/config/env-overlay.ts';

describe('overlaysFrom', () => {
  it('takes collections as JSON, the rest as text, and only known sections', () => {
    const env = {
      V_A__LIST: '["x"]',
      V_A__BROKEN: '[x',
      V_A__N: '1.5',
      V_A__Z: '007',
      V_A__NULL: 'null',
      V_B__X: '1',
      V_A: '2',
      V_A____X: '3',
      V_A__E: '',
    };
    const values = Object.fromEntries(overlaysFrom(env, 'V_', ['a']).map(({ path, value }) => [path.join('.'), value]));
    expect(values).toEqual({ 'a.list': ['x'], 'a.broken': '[x', 'a.n': 1.5, 'a.z': '007', 'a.null': null });
  });
});
