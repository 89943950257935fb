/** Alertmanager's API v2: the calls of amtool, Prometheus and Grafana, and what it refuses. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startAlertApi, type AlertApi } from '../../../support/alerts/alert-api.ts';
import { pipelineRig, START, type Rig } from '../../../support/alerts/pipeline-rig.ts';

const CONFIG = `route:
  receiver: a
  group_by: [alertname]
  labels: { x: y }
  routes:
  - { matchers: [team="pay"], receiver: b, mute_time_intervals: [always] }
receivers:
- { name: a, labels: { tier: one }, webhook_configs: [{ to: a }] }
- { name: b, webhook_configs: [{ to: b }] }
time_intervals:
- { name: always, time_intervals: [{}] }
inhibit_rules:
- { source_matchers: [alertname="HostDown"], target_matchers: [alertname="Slow"], equal: [host] }
`;

let rig: Rig;
let api: AlertApi;
beforeEach(async () => {
  rig = await pipelineRig(CONFIG);
  api = await startAlertApi(rig);
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

const iso = (ms: number): string => new Date(ms).toISOString();
const post = (alerts: readonly object[]): ReturnType<AlertApi['send']> => api.send('POST', '/api/v2/alerts', alerts);
const silence = (more: object = {}): Record<string, unknown> => ({
  matchers: [{ name: 'alertname', value: 'Down', isRegex: false }],
  startsAt: iso(START),
  endsAt: iso(START + 60_000),
  createdBy: 'me',
  comment: 'work',
  ...more,
});
type Listed = { labels: Record<string, string>; status: { state: string }; fingerprint: string; receivers: object[] };

describe('alerts', () => {
  it('takes alerts as Prometheus sends them and lists them', async () => {
    const sent = {
      labels: { alertname: 'Down', host: 'x', empty: '' },
      annotations: { summary: 's' },
      startsAt: iso(START - 1_000),
      endsAt: iso(START + 60_000),
      generatorURL: 'http://p/graph',
    };
    expect(await post([sent, { labels: { alertname: 'Old' }, endsAt: iso(START - 5) }])).toEqual({
      status: 200,
      body: '',
    });
    expect((await api.get('/api/v2/alerts')).body).toEqual([
      {
        annotations: { summary: 's' },
        endsAt: iso(START + 60_000),
        fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
        receivers: [{ name: 'a' }],
        startsAt: iso(START - 1_000),
        status: { inhibitedBy: [], mutedBy: [], silencedBy: [], state: 'active' },
        updatedAt: iso(START),
        generatorURL: 'http://p/graph',
        labels: { alertname: 'Down', host: 'x' },
      },
    ]);
  });

  it("takes Go's zero time for an absent one", async () => {
    await post([{ labels: { alertname: 'Z' }, startsAt: '0001-01-01T00:00:00.000Z', endsAt: '0001-01-01T00:00:00Z' }]);
    const [alert] = (await api.get('/api/v2/alerts')).body as { startsAt: string; endsAt: string }[];
    expect([alert?.startsAt, alert?.endsAt]).toEqual([iso(START), iso(START + 300_000)]);
  });

  it('keeps the good alerts of a request and names the bad ones', async () => {
    const answer = await post([{ labels: {} }, { labels: { alertname: 'Good' } }]);
    expect(answer).toEqual({ status: 400, body: 'at least one label pair required' });
    expect((await api.get('/api/v2/alerts')).body).toHaveLength(1);
  });

  it('filters by labels, state and receiver', async () => {
    await post([
      { labels: { alertname: 'Down', host: 'x' } },
      { labels: { alertname: 'Down', host: 'y', team: 'pay' } },
      { labels: { alertname: 'HostDown', host: 'z' } },
      { labels: { alertname: 'Slow', host: 'z' } },
    ]);
    await api.send(
      'POST',
      '/api/v2/silences',
      silence({ matchers: [{ name: 'host', value: 'x', isRegex: false, isEqual: true }] }),
    );
    const names = async (query: string): Promise<string[]> =>
      ((await api.get(`/api/v2/alerts?${query}`)).body as Listed[])
        .map(({ labels }) => `${labels['alertname']} ${labels['host']}`)
        .sort();
    expect(await names('filter=alertname%3D"Down"&filter=host%21%3D"x"')).toEqual(['Down y']);
    expect(await names('silenced=false&inhibited=false')).toEqual(['Down y', 'HostDown z']);
    expect(await names('active=false')).toEqual(['Down x', 'Slow z']);
    expect(await names('receiver=b|c')).toEqual(['Down y']);
    expect(await names('receiver_matchers=tier%3D"one"&active=true')).toEqual(['Down x', 'HostDown z', 'Slow z']);
    for (const bad of ['filter=a', 'filter=%7Ba%3D"b"%7D', 'receiver=%28', 'active=maybe', 'filter=a%3D"b",c%3D"d"']) {
      expect((await api.get(`/api/v2/alerts?${bad}`)).status).toBe(400);
    }
  });

  it('lists groups with the time intervals that mute them', async () => {
    await post([
      { labels: { alertname: 'Down', host: 'x' } },
      { labels: { alertname: 'Down', host: 'y', team: 'pay' } },
    ]);
    const groups = (await api.get('/api/v2/alerts/groups')).body as {
      receiver: object;
      labels: object;
      routeLabels: object;
      alerts: Listed[];
    }[];
    expect(
      groups.map(({ receiver, labels, routeLabels, alerts }) => [receiver, labels, routeLabels, alerts[0]?.status]),
    ).toEqual([
      [
        { name: 'a' },
        { alertname: 'Down' },
        { x: 'y' },
        { state: 'active', silencedBy: [], inhibitedBy: [], mutedBy: [] },
      ],
      [
        { name: 'b' },
        { alertname: 'Down' },
        { x: 'y' },
        { state: 'suppressed', silencedBy: [], inhibitedBy: [], mutedBy: ['always'] },
      ],
    ]);
    expect((await api.get('/api/v2/alerts/groups?muted=false')).body).toHaveLength(1);
    expect((await api.get('/api/v2/alerts/groups?receiver=b')).body).toHaveLength(1);
  });

  it('refuses what is no list of alerts', async () => {
    expect((await post({} as never)).status).toBe(400);
    expect((await post([{ labels: { a: 1 } }])).status).toBe(400);
    expect((await post([{ labels: { a: 'b' }, startsAt: 'yesterday' }])).status).toBe(400);
    const form = await fetch(`${api.url}/api/v2/alerts`, {
      method: 'POST',
      body: '[]',
      headers: { 'content-type': 'text/plain' },
    });
    expect(form.status).toBe(415);
  });
});

describe('silences', () => {
  it('are made, changed, listed and ended', async () => {
    await post([{ labels: { alertname: 'Down' } }]);
    const made = (await api.send('POST', '/api/v2/silences', silence())).body as { silenceID: string };
    const path = `/api/v2/silence/${made.silenceID}`;
    expect((await api.get(path)).body).toEqual({
      id: made.silenceID,
      status: { state: 'active' },
      updatedAt: iso(START),
      annotations: {},
      comment: 'work',
      createdBy: 'me',
      startsAt: iso(START),
      endsAt: iso(START + 60_000),
      matchers: [{ name: 'alertname', value: 'Down', isRegex: false, isEqual: true }],
    });
    const longer = silence({ id: made.silenceID, endsAt: iso(START + 90_000), annotations: { ticket: '1' } });
    expect((await api.send('POST', '/api/v2/silences', longer)).body).toEqual(made);
    const other = silence({
      id: made.silenceID,
      matchers: [{ name: 'a', value: 'b|c', isRegex: true, isEqual: true }],
    });
    const replaced = (await api.send('POST', '/api/v2/silences', other)).body as { silenceID: string };
    expect(replaced.silenceID).not.toBe(made.silenceID);
    const states = ((await api.get('/api/v2/silences')).body as { id: string; status: { state: string } }[]).map(
      ({ id, status }) => [id, status.state],
    );
    expect(states).toEqual([
      [replaced.silenceID, 'active'],
      [made.silenceID, 'expired'],
    ]);
    expect((await api.get('/api/v2/silences?expired=false&filter=a%3D~"b|c"')).body).toHaveLength(1);
    expect((await api.get('/api/v2/silences?filter=a%3D"b"')).body).toEqual([]);
    expect(await api.send('DELETE', `/api/v2/silence/${replaced.silenceID}`)).toEqual({ status: 200, body: '' });
    expect((await api.get('/api/v2/silences?expired=false')).body).toEqual([]);
    expect(rig.events({ type: 'silence_created' })).toHaveLength(2);
    expect(rig.events({ type: 'silence_updated' })).toHaveLength(2);
  });

  it('are refused when they make no sense', async () => {
    const refused = async (more: object): Promise<unknown> => {
      const { status, body } = await api.send('POST', '/api/v2/silences', silence(more));
      return [status, body];
    };
    expect(await refused({ matchers: [] })).toEqual([400, 'A silence needs at least one matcher.']);
    expect(await refused({ matchers: [{ name: 'a', value: '.*', isRegex: true }] })).toEqual([
      400,
      'invalid silence: at least one matcher must not match the empty string',
    ]);
    expect(await refused({ matchers: [{ name: 'a', value: '(', isRegex: true }] })).toEqual([
      400,
      expect.stringContaining('missing closing )'),
    ]);
    expect(await refused({ endsAt: iso(START - 1) })).toEqual([400, expect.stringContaining('before end time')]);
    expect(await refused({ startsAt: iso(START - 9_000), endsAt: iso(START - 1_000) })).toEqual([
      400,
      expect.stringContaining('in the past'),
    ]);
    expect(await refused({ id: 'nobody' })).toEqual([404, '']);
    expect(await refused({ comment: undefined })).toEqual([400, expect.stringContaining('comment')]);
    expect(await refused({ comment: 'x'.repeat(70_000) })).toEqual([413, expect.any(String)]);
    expect((await api.get('/api/v2/silence/nobody')).status).toBe(404);
    expect((await api.send('DELETE', '/api/v2/silence/nobody')).status).toBe(404);
  });
});

describe('status and receivers', () => {
  it('show the file and the receivers', async () => {
    const status = (await api.get('/api/v2/status')).body as {
      config: { original: string };
      versionInfo: { version: string };
      cluster: object;
    };
    expect(status.config.original).toContain('group_by:');
    expect(status.cluster).toEqual({ peers: [], status: 'disabled' });
    expect(status.versionInfo.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect((await api.get('/api/v2/receivers')).body).toEqual([
      { labels: { name: 'a', tier: 'one' }, name: 'a' },
      { labels: { name: 'b' }, name: 'b' },
    ]);
    expect((await api.get('/api/v2/receivers?receiver_matchers=tier%3D"one"')).body).toHaveLength(1);
  });
});

describe("Grafana's data source for an Alertmanager", () => {
  /** As a browser with Grafana's page sends them through its proxy (public/app/plugins/datasource/alertmanager, features/alerting). */
  it('is answered as by an Alertmanager', async () => {
    await post([{ labels: { alertname: 'A', id: '1' }, annotations: { summary: 's' } }]);
    // Its test of the connection: an answer under /alertmanager/ would say that this is Mimir.
    expect((await api.get('/alertmanager/api/v2/status')).status).toBe(404);
    const { status, body } = await api.get('/api/v2/status');
    expect(status).toBe(200);
    // It reads routes and receivers from the text of the configuration.
    expect(body).toMatchObject({
      cluster: { status: expect.any(String) as string, peers: expect.any(Array) as unknown[] },
      config: { original: expect.stringContaining('receivers') as string },
      uptime: expect.stringMatching(/^\d{4}-/) as string,
      versionInfo: { version: expect.stringMatching(/^0\.\d+\.\d+$/) as string },
    });
    const matchers = [{ isEqual: true, isRegex: false, name: 'alertname', value: 'A' }];
    const times = { startsAt: new Date(START).toISOString(), endsAt: new Date(START + 7_200_000).toISOString() };
    const made = await api.send('POST', '/api/v2/silences', { ...times, comment: 'c', createdBy: 'admin', matchers });
    expect(made).toMatchObject({
      status: 200,
      body: { silenceID: expect.stringMatching(/^[0-9a-f-]{36}$/) as string },
    });
    const { silenceID: id } = made.body as { silenceID: string };
    expect((await api.get('/api/v2/silences')).body).toMatchObject([{ id, status: { state: 'active' }, matchers }]);
    expect((await api.get(`/api/v2/silence/${id}`)).body).toMatchObject({ id, comment: 'c' });
    const groups = (await api.get('/api/v2/alerts/groups')).body;
    expect(groups).toMatchObject([
      {
        labels: {},
        receiver: { name: 'a' },
        alerts: [{ status: { state: 'suppressed', silencedBy: [id], inhibitedBy: [] } }],
      },
    ]);
    for (const query of ['silenced=true&active=false&inhibited=false', 'filter=alertname%3D%22A%22', 'receiver=a'])
      expect((await api.get(`/api/v2/alerts?${query}`)).body).toMatchObject([
        { labels: { alertname: 'A' }, fingerprint: expect.any(String) as string },
      ]);
    expect((await api.get('/api/v2/alerts?silenced=false&active=true&inhibited=false')).body).toEqual([]);
    expect((await api.get('/api/v2/receivers')).body).toContainEqual(expect.objectContaining({ name: 'a' }));
    // An update of a silence is sent with its id.
    const update = { ...times, id, comment: 'd', createdBy: 'admin', matchers };
    expect((await api.send('POST', '/api/v2/silences', update)).status).toBe(200);
    expect((await api.send('DELETE', `/api/v2/silence/${id}`)).status).toBe(200);
    expect((await api.get('/api/v2/alerts/groups')).body).toMatchObject([
      { alerts: [{ status: { state: 'active' } }] },
    ]);
  });
});
