import { describe, expect, it } from 'vitest';
import { Labels } from '../../../../../src/model/labels.ts';
import { fingerprintOf } from '../../../../../src/monitor/alerts/notify/steps/fingerprint.ts';

describe('fingerprints', () => {
  it.each([
    // prometheus/common, model/signature_test.go.
    [{}, 14695981039346656037n],
    [{ name: 'garland, briggs', fear: 'love is not enough' }, 5799056148416392346n],
  ])('are those of Prometheus: %j', (labels, expected) => {
    expect(fingerprintOf(Labels.from(Object.entries(labels)))).toBe(expected.toString(16).padStart(16, '0'));
  });

  it('have 16 digits for any text', () => {
    expect(fingerprintOf(Labels.from({ ü: '\u{1f600}', z: 'x'.repeat(1_000) }))).toMatch(/^[0-9a-f]{16}$/);
  });
});
