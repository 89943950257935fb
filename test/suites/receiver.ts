/**
 * What every `Receiver` must do, whatever it sends to. A receiver over HTTP gives only `name`, `make` and `textOf`; one that
 * speaks another protocol brings its own service, which behaves in the same ways.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Delivery, Notification, Picture, Receiver } from '../../src/monitor/alerts/notify/notification.ts';
import type { ReceiverTools } from '../../src/monitor/alerts/notify/receivers/kind.ts';
import { httpService, type Behaviour, type HttpService, type RecordedRequest } from '../support/alerts/http-service.ts';
import { notification, notifiedAlert, receiverTools } from '../support/alerts/notifications.ts';
import { recordingLogger } from '../support/recording-logger.ts';

/** The other end, as the suite sees it. */
export interface Service extends AsyncDisposable {
  behave(behaviour: Behaviour): void;
  /** Number of messages that have arrived. */
  readonly count: () => number;
  /** The last message as a person reads it. */
  readonly text: () => string;
  /** Everything that arrived with the last message, head included. */
  readonly raw: () => string;
  /** Names of the fields in the head of the last message, in order. */
  readonly fields: () => readonly string[];
  /** Throws when a message that arrived is none that the documentation of the service allows. */
  readonly check?: () => void;
}

export interface ReceiverUnderTest<S extends Service = Service> {
  readonly name: string;
  service(): Promise<S>;
  /** A receiver that sends to `service` and holds `SECRET` wherever it has a secret. `send_resolved` is on. */
  make(service: S, tools: ReceiverTools): Receiver;
  /** The largest message that the channel takes. */
  readonly maxBytes: number;
  /** False for mail: no answer of SMTP names a time to wait (RFC 5321, 4.2). The case is then not part of the suite. */
  readonly hasRetryAfter?: boolean;
  /** False for plugins: they say whether and when another try makes sense, and not why. */
  readonly hasReasons?: boolean;
}

export const SECRET = 'xoxb-this-is-a-secret-7f3a';

/** The service of a receiver over HTTP; `textOf` reads the message out of a request's body. */
export async function overHttp(
  textOf: (body: string) => string,
  ok?: Behaviour,
  shape: (request: RecordedRequest) => void = () => {},
): Promise<Service & { readonly http: HttpService }> {
  const http = await httpService(ok);
  const last = (): HttpService['requests'][number] => {
    const request = http.requests.at(-1);
    if (request === undefined) throw new Error('nothing has arrived');
    return request;
  };
  return {
    http,
    behave: (behaviour) => http.behave(behaviour),
    count: () => http.requests.length,
    text: () => textOf(last().body),
    raw: () => `${last().path}\n${last().rawHeaders.join('\n')}\n\n${last().body}`,
    fields: () => last().rawHeaders.filter((_field, at) => at % 2 === 0),
    check: () => http.requests.forEach(shape),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

const RESOLVED = notifiedAlert({ status: 'resolved', endsAtMs: Date.UTC(2026, 10, 30, 12, 20, 0) });
const HOSTILE =
  'a\r\nX-Injected: 1\r\nBcc: all@example.org\u0000\u001b[2J<img src=x onerror=alert(1)> <!channel> \u202egnp';

function failure(delivery: Delivery): Delivery & { kind: 'failed' } {
  if (delivery.kind !== 'failed') throw new Error('it was delivered');
  return delivery;
}

export function receiverSuite<S extends Service>(given: ReceiverUnderTest<S>): void {
  describe(`receiver ${given.name}`, () => {
    let service: S | undefined;
    afterEach(async () => {
      service?.check?.();
      await service?.[Symbol.asyncDispose]();
    });

    async function started(): Promise<{
      service: S;
      send: (about: Notification, signal?: AbortSignal) => Promise<Delivery>;
      /** What the receiver wrote into the log. */
      logged: () => string;
    }> {
      service = await given.service();
      const logger = recordingLogger();
      const receiver = given.make(service, { ...receiverTools(), logger });
      return {
        service,
        logged: () => JSON.stringify(logger.lines),
        send: (about, signal = new AbortController().signal) => receiver.send(about, signal),
      };
    }

    it('delivers a notification with its summary and name', async () => {
      const { service: end, send } = await started();
      expect(await send(notification())).toMatchObject({ kind: 'delivered' });
      expect(end.count()).toBe(1);
      expect(end.text()).toContain('checkout fails 12 % of its requests');
      expect(end.text()).toContain('ErrorRate');
    });

    it('says that an alert is resolved', async () => {
      const { service: end, send } = await started();
      const first = await send(notification());
      const memory = first.kind === 'delivered' ? (first.memory ?? {}) : {};
      expect(await send(notification({ alerts: [RESOLVED], memory }))).toMatchObject({ kind: 'delivered' });
      expect(end.text()).toMatch(/resolved/i);
    });

    it('sends a test message', async () => {
      const { service: end, send } = await started();
      expect(await send(notification({ isTest: true }))).toMatchObject({ kind: 'delivered' });
      expect(end.count()).toBe(1);
    });

    it('keeps hostile texts inside the message', async () => {
      const { service: end, send } = await started();
      await send(notification());
      const fields = end.fields().toSorted();
      const alert = notifiedAlert({
        labels: { alertname: HOSTILE, ['__proto__']: 'x' },
        annotations: { summary: HOSTILE },
        summary: HOSTILE,
      });
      await send(
        notification({ alerts: [alert], groupLabels: { alertname: HOSTILE }, groupKey: HOSTILE, summary: HOSTILE }),
      );
      expect(end.fields().toSorted()).toEqual(fields);
      expect(end.raw()).not.toMatch(/^X-Injected:/m);
      expect(end.raw()).not.toMatch(/^Bcc:/m);
    });

    it('keeps a message with 500 long alerts within the limit of the channel', async () => {
      const { service: end, send } = await started();
      const alerts = Array.from({ length: 500 }, (_item, at) =>
        notifiedAlert({
          labels: { alertname: 'Many', at: String(at), note: 'ä'.repeat(500) },
          annotations: { summary: `${at} ${'ö'.repeat(500)}` },
          summary: `${at} ${'ö'.repeat(500)}`,
        }),
      );
      expect(await send(notification({ alerts }))).toMatchObject({ kind: 'delivered' });
      expect(Buffer.byteLength(end.raw())).toBeLessThanOrEqual(given.maxBytes);
    });

    it('sends the message even when its picture cannot be drawn', async () => {
      const { service: end, send } = await started();
      const picture = (): Promise<never> => Promise.reject(new Error('no'));
      expect(await send(notification({ picture }))).toMatchObject({ kind: 'delivered' });
      expect(end.text()).toContain('ErrorRate');
    });

    it('asks for another try after an error of the service', async () => {
      const { service: end, send } = await started();
      end.behave({ kind: 'answer', status: 500 });
      expect(failure(await send(notification()))).toMatchObject({ retry: true });
    });

    const because = (reason: string): object => (given.hasReasons === false ? {} : { reason });

    if (given.hasRetryAfter !== false) {
      it('waits as long as Retry-After says', async () => {
        const { service: end, send } = await started();
        end.behave({ kind: 'answer', status: 429, headers: { 'retry-after': '7' } });
        const waits = { retry: true, retryAfterMs: 7_000, ...because('rateLimited') };
        expect(failure(await send(notification()))).toMatchObject(waits);
      });
    }

    it('gives up on a mistake that would stay', async () => {
      const { service: end, send } = await started();
      end.behave({ kind: 'answer', status: 400, body: 'no' });
      expect(failure(await send(notification()))).toMatchObject({ retry: false });
      end.behave({ kind: 'answer', status: 401 });
      expect(failure(await send(notification()))).toMatchObject({ retry: false, ...because('authError') });
    });

    it('fails and may be tried again when the connection breaks or the answer makes no sense', async () => {
      const { service: end, send } = await started();
      for (const kind of ['close', 'garbage'] as const) {
        end.behave({ kind });
        expect(failure(await send(notification()))).toMatchObject({ retry: true });
      }
    });

    it('gives up when the signal aborts', async () => {
      const { service: end, send } = await started();
      end.behave({ kind: 'hang' });
      const stop = new AbortController();
      const sent = send(notification(), stop.signal);
      stop.abort();
      expect(failure(await sent)).toMatchObject({ retry: true });
    });

    it('shows no secret in its failures or in the log', async () => {
      const { service: end, send, logged } = await started();
      const messages: string[] = [];
      const picture = (): Promise<Picture> => Promise.resolve({ png: Buffer.from('PNG'), alt: 'Chart' });
      messages.push(JSON.stringify(await send(notification({ picture }))));
      for (const status of [400, 401, 404, 500]) {
        end.behave({ kind: 'answer', status, body: SECRET });
        messages.push(JSON.stringify(await send(notification())));
      }
      end.behave({ kind: 'close' });
      messages.push(JSON.stringify(await send(notification())), logged());
      expect(messages.join('\n')).not.toContain(SECRET);
    });
  });
}
