/**
 * `/api/annotations` in Grafana's shape (grafana.com/docs/grafana/latest/developers/http_api/annotations), so that programs
 * that annotate Grafana can annotate Vitrine. Times are epoch milliseconds.
 */
import { VitrineError } from '../../../base/errors.ts';
import type { Annotation, Annotations, NewAnnotation } from '../../store/state/annotations.ts';
import { jsonBody } from '../answers.ts';
import type { Call, Route } from '../routes.ts';
import { numberFrom } from '../routes.ts';

const MAX_TEXT = 4_096;
const MAX_TAGS = 20;
const MAX_TAG = 100;
const MAX_BODY_BYTES = 32_768;
const LATEST_MS = 8.64e15;
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 5_000;

const bad = (message: string): VitrineError => new VitrineError('bad_request', message);

function timeIn(body: Readonly<Record<string, unknown>>, name: string, fallback: number): number {
  const value = body[name];
  // Grafana's clients send 0 for "no end".
  if (value === undefined || value === null || value === 0) return fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > LATEST_MS) {
    throw bad(`"${name}" must be a time in milliseconds since the epoch.`);
  }
  return value;
}

function tagsIn({ tags }: Readonly<Record<string, unknown>>): readonly string[] {
  if (tags === undefined || tags === null) return [];
  const isTag = (tag: unknown): tag is string => typeof tag === 'string' && tag !== '' && tag.length <= MAX_TAG;
  if (!Array.isArray(tags) || tags.length > MAX_TAGS || !tags.every(isTag)) {
    throw bad(`"tags" must be at most ${MAX_TAGS} texts of 1 to ${MAX_TAG} characters.`);
  }
  return [...new Set(tags)];
}

/** @throws VitrineError `bad_request` */
export function newAnnotation(body: Readonly<Record<string, unknown>>, who: string, nowMs: number): NewAnnotation {
  const { text } = body;
  if (typeof text !== 'string' || text.trim() === '' || text.length > MAX_TEXT) {
    throw bad(`"text" must be a text of 1 to ${MAX_TEXT} characters.`);
  }
  const timeMs = timeIn(body, 'time', nowMs);
  const endMs = timeIn(body, 'timeEnd', timeMs);
  if (endMs < timeMs) throw bad('"timeEnd" must not be before "time".');
  return { timeMs, endMs, text: text.toWellFormed(), tags: tagsIn(body).map((tag) => tag.toWellFormed()), who };
}

/** Grafana's fields. Those about its own dashboards and users are empty. */
const grafanaShape = ({ id, timeMs, endMs, createdMs, text, tags, who }: Annotation): Record<string, unknown> => ({
  id,
  alertId: 0,
  dashboardId: 0,
  panelId: 0,
  userId: 0,
  userName: who,
  newState: '',
  prevState: '',
  created: createdMs,
  updated: createdMs,
  time: timeMs,
  timeEnd: endMs,
  text,
  tags,
  data: {},
});

async function add({ ctx, who: caller }: Call, annotations: Annotations, nowMs: number): Promise<unknown> {
  // On a server without sign-in all callers have one name, and the address says more.
  const who = caller === 'local' ? (ctx.req.socket.remoteAddress ?? 'unknown') : caller;
  // The steady clock has fractions of a millisecond; annotations have whole ones.
  const createdMs = Math.round(nowMs);
  const made = newAnnotation(await jsonBody(ctx, MAX_BODY_BYTES), who, createdMs);
  return { message: 'Annotation added', id: await annotations.add(made, createdMs) };
}

async function remove({ params }: Call, annotations: Annotations): Promise<unknown> {
  const id = Number(params['id']);
  if (!Number.isSafeInteger(id) || !(await annotations.remove(id))) {
    throw new VitrineError('not_found', 'There is no annotation of this id.');
  }
  return { message: 'Annotation deleted' };
}

function list({ query }: Call, annotations: Annotations): unknown {
  const time = { min: 0, max: LATEST_MS };
  const found = annotations.find({
    fromMs: numberFrom(query, 'from', { ...time, fallback: 0 }) ?? 0,
    toMs: numberFrom(query, 'to', { ...time, fallback: LATEST_MS }) ?? LATEST_MS,
    tags: query.getAll('tags').slice(0, MAX_TAGS),
    anyTag: query.get('matchAny') === 'true',
    limit: numberFrom(query, 'limit', { min: 1, max: MAX_LIMIT, fallback: DEFAULT_LIMIT }) ?? DEFAULT_LIMIT,
  });
  return found.map(grafanaShape);
}

export function annotationRoutes(annotations: Annotations, now: () => number): Route[] {
  return [
    { method: 'GET', path: '/api/annotations', handler: (call) => list(call, annotations) },
    { method: 'POST', path: '/api/annotations', handler: (call) => add(call, annotations, now()) },
    { method: 'DELETE', path: '/api/annotations/:id', handler: (call) => remove(call, annotations) },
  ];
}
