import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { seededRandom } from '../../../../src/base/random.ts';
import { HandOver } from '../../../../src/monitor/alerts/notify/hand-over.ts';
import { httpService, type HttpService } from '../../../support/alerts/http-service.ts';
import { recordingLogger, type RecordingLogger } from '../../../support/recording-logger.ts';
import { until } from '../../../support/until.ts';

let service: HttpService;
let logger: RecordingLogger;
let handOver: HandOver;
beforeEach(async () => {
  service = await httpService();
  logger = recordingLogger();
  handOver = new HandOver({
    url: `${service.url}/am/`,
    bearer: 'tok',
    clock: systemClock,
    logger,
    random: seededRandom(1),
  });
});
afterEach(async () => {
  await handOver.close();
  await service[Symbol.asyncDispose]();
});

const alert = (
  id: string,
  endsAtMs = 2_000,
): { labels: Record<string, string>; startsAtMs: number; endsAtMs: number } => ({
  labels: { alertname: 'A', id },
  startsAtMs: 1_000,
  endsAtMs,
});
const sent = (): { labels: { id: string }; endsAt: string }[] =>
  service.requests.flatMap(({ body }) => JSON.parse(body) as { labels: { id: string }; endsAt: string }[]);

describe('the hand-over to an Alertmanager', () => {
  it('sends batches of at most 64 with the token', async () => {
    handOver.add(Array.from({ length: 100 }, (_item, at) => alert(String(at))));
    await until(() => sent().length === 100);
    expect(service.requests.map(({ body }) => (JSON.parse(body) as unknown[]).length)).toEqual([64, 36]);
    expect(service.requests[0]).toMatchObject({ path: '/am/api/v2/alerts', headers: { authorization: 'Bearer tok' } });
    expect(JSON.parse(service.requests[0]?.body ?? '')[0]).toEqual({
      labels: { alertname: 'A', id: '0' },
      startsAt: '1970-01-01T00:00:01.000Z',
      endsAt: '1970-01-01T00:00:02.000Z',
    });
  });

  it('keeps what could not be sent, and sends its newest state', async () => {
    service.behave({ kind: 'answer', status: 503 });
    handOver.add([alert('1', 2_000)]);
    await until(() => service.requests.length > 0);
    handOver.add([alert('1', 3_000)]);
    service.behave({ kind: 'answer', status: 200 });
    await until(() => sent().some(({ endsAt }) => endsAt === '1970-01-01T00:00:03.000Z'));
    expect(logger.lines.map(({ message }) => message)).toEqual(['Alerts could not be handed over']);
  });

  it('gives up what it refuses', async () => {
    service.behave({ kind: 'answer', status: 400 });
    handOver.add([alert('bad')]);
    await until(() => service.requests.length === 1);
    service.behave({ kind: 'answer', status: 200 });
    handOver.add([alert('good')]);
    await until(() => sent().some(({ labels }) => labels.id === 'good'));
    expect(sent().filter(({ labels }) => labels.id === 'bad')).toHaveLength(1);
  });
});
