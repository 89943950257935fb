import { expect, test } from 'vitest';
import { targetConfig } from '../../../src/monitor/targets/config/schema.ts';
import { fieldsOf, FORM_KINDS, hasSecrets, writtenOf } from '../../../src/page/targets/target-fields.ts';

function formOf(fields: Readonly<Record<string, string>>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return form;
}

test('a target that the form does not change stays as it is written', () => {
  for (const written of [
    {
      name: 'api',
      url: 'http://a.test/',
      type: 'api',
      method: 'POST',
      body: '{}',
      expect: { status: '2xx', json: ['$.a == 1'] },
    },
    {
      name: 'page',
      url: 'http://a.test/',
      type: 'web',
      interval: '30s',
      timeout: '5s',
      tags: ['eu', 'x'],
      group: 'web',
    },
    { name: 'db', tcp: '127.0.0.1:5432', competitor: true, enabled: false, depends_on: ['net'] },
    { name: 'job', heartbeat: '26h', grace: '5m' },
    { name: 'pay', steps: [{ url: 'http://a.test/' }] },
    { name: 'many', url: 'http://a.test/', type: 'api', expect: { status: ['200', '204'], latency: '<300ms' } },
  ]) {
    const fields = fieldsOf(written);
    const { competitor, enabled, ...texts } = fields;
    const form = formOf({
      ...texts,
      ...(competitor ? { competitor: 'on' } : {}),
      ...(enabled ? { enabled: 'on' } : {}),
    });
    expect(writtenOf(form, written)).toEqual(written);
    expect(targetConfig.safeParse(writtenOf(form, written)).success).toBe(true);
  }
});

test.each(FORM_KINDS.map(({ kind }) => kind))('the form makes a target of kind %s that the schema takes', (kind) => {
  const address = {
    heartbeat: '26h',
    web: 'http://a.test/',
    api: 'http://a.test/',
    websocket: 'ws://a.test/',
  } as Record<string, string>;
  const form = formOf({
    name: ' Shop ',
    kind,
    address: address[kind] ?? 'a.test:443',
    status: '200, 204',
    tags: ' eu,, x ',
    enabled: 'on',
  });
  const written = writtenOf(form, {});
  const { expect: conditions, ...rest } = written;
  expect(rest).toMatchObject({ name: 'Shop', tags: ['eu', 'x'] });
  expect(conditions).toEqual({ status: ['200', '204'] });
  expect(targetConfig.safeParse(kind === 'web' || kind === 'api' ? written : rest).success).toBe(true);
});

test('an empty field takes its key away, and another kind takes the former one away', () => {
  const before = { name: 'a', url: 'http://a.test/', type: 'api', interval: '5s', expect: { status: '200' } };
  const form = formOf({ name: 'a', kind: 'tcp', address: 'a.test:80', interval: '', status: '', enabled: 'on' });
  expect(writtenOf(form, before)).toEqual({ name: 'a', tcp: 'a.test:80' });
});

test('a secret is told apart from what the form may send back', () => {
  expect(hasSecrets({ name: 'a', bearer_token: '<secret>' })).toBe(true);
  expect(hasSecrets({ name: 'a', body: 'a <secret> b' })).toBe(false);
  expect(fieldsOf({}).kind).toBe('web');
  expect(fieldsOf({ expect: 7, tags: 7 })).toMatchObject({ status: '', tags: '' });
});
