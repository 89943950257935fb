/**
 * `POST /api/logs`: one JSON object, an array, NDJSON, logfmt or plain text, in which stack traces are joined. Valid lines are stored, whatever the lines around them are. The
 * answer counts valid and invalid lines and names the first invalid ones:
 * `{"accepted":n,"rejected":m,"errors":[{line,reason}…]}`.
 */
import type { IncomingMessage } from 'node:http';
import { VitrineError } from '../../../base/errors.ts';
import type { LogRecord } from '../../../model/records.ts';
import { unixMs } from '../../../model/time/unix-ms.ts';
import type { ByteLease } from '../request/byte-budget.ts';
import type { Answer, Endpoint } from '../request/endpoint.ts';
import { mediaType, problemAnswer } from '../request/endpoint.ts';
import type { Intake } from '../request/intake.ts';
import type { Turns } from '../../../base/clock.ts';
import { parseJson } from '../request/json-pieces.ts';
import { ITEMS_A_STEP, inSteps } from '../request/steps.ts';
import { LineReader } from './line-reader.ts';
import { isBlank, JsonLines, MAX_LINE_BYTES, TOO_LONG, type ParsedLine } from './json-lines.ts';
import { TraceJoiner, type LineFormat } from './text-lines.ts';
import type { Line } from '../request/line-splitter.ts';
import { LineSplitter } from '../request/line-splitter.ts';
import type { BodyLimits } from '../request/body.ts';
import { eachChunk, readBody } from '../request/body.ts';
import { refuseTime } from '../checks/time-rules.ts';

const BATCH_RECORDS = 1000;
const MAX_ERRORS = 10;
const FORMATS: ReadonlyMap<string, LineFormat> = new Map([
  ['application/json', 'json'],
  ['application/x-ndjson', 'json'],
  ['application/ndjson', 'json'],
  ['application/jsonl', 'json'],
  ['application/stream+json', 'json'],
  ['application/logfmt', 'logfmt'],
  ['text/plain', 'text'],
]);

export interface LinesAnswer {
  readonly accepted: number;
  readonly rejected: number;
  /** `line` counts from 1 (the position of an item in an array); 0 when the store refused items without naming them. */
  readonly errors: readonly { readonly line: number; readonly reason: string }[];
}

export function logLinesEndpoint(intake: Intake, limits: BodyLimits, reader = new LineReader()): Endpoint {
  return {
    async answer(request, lease): Promise<Answer> {
      const type = mediaType(request);
      const format = FORMATS.get(type);
      if (format === undefined) {
        throw new VitrineError(
          'unsupported_media_type',
          'the Content-Type is none of application/json, application/x-ndjson, application/logfmt and text/plain',
        );
      }
      const batch = new LineBatch(intake, reader, serviceOfQuery(request), format);
      if (type === 'application/json') await takeJson(await readBody(request, limits, lease), batch, intake.turns);
      else await takeLines(request, { limits, turns: intake.turns }, lease, batch);
      const answer = await batch.finish();
      const status = answer.accepted === 0 && answer.rejected > 0 ? 400 : 200;
      return { status, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(answer) };
    },
    refuse: problemAnswer,
  };
}

/** `?service=` is the service of lines that state none. */
function serviceOfQuery(request: IncomingMessage): string {
  const [, query = ''] = (request.url ?? '').split('?', 2);
  return new URLSearchParams(query).get('service') ?? '';
}

/** Reads one document: an object or an array. Otherwise the body is read as lines. */
async function takeJson(body: Buffer, batch: LineBatch, turns: Turns): Promise<void> {
  const value = await parseDocument(body, turns);
  if (value !== undefined) {
    const items: readonly unknown[] = Array.isArray(value.json) ? value.json : [value.json];
    await addLines(numbered(items), batch, turns);
    return;
  }
  const lines = new JsonLines();
  await addLines(lines.push(body), batch, turns);
  await addLines(lines.end(), batch, turns);
}

function* numbered(items: readonly unknown[]): Generator<ParsedLine> {
  for (const [at, json] of items.entries()) yield { number: at + 1, json, fault: undefined };
}

async function parseDocument(body: Buffer, turns: Turns): Promise<{ json: unknown } | undefined> {
  try {
    return { json: await inSteps(turns, parseJson(body)) };
  } catch {
    // The lines are read one by one then, and each that is wrong is named.
    return undefined;
  }
}

async function addLines(lines: Iterable<Line | ParsedLine>, batch: LineBatch, turns: Turns): Promise<void> {
  let count = 0;
  batch.arrived();
  for (const line of lines) {
    if ('json' in line) batch.addParsed(line);
    else batch.addLine(line);
    count += 1;
    if (batch.isFull) await batch.flush();
    else if (count % ITEMS_A_STEP !== 0) continue;
    else if (turns.due) await turns.next();
    batch.arrived();
  }
}

async function takeLines(
  request: IncomingMessage,
  { limits, turns }: { readonly limits: BodyLimits; readonly turns: Turns },
  lease: ByteLease,
  batch: LineBatch,
): Promise<void> {
  const splitter = batch.format === 'json' ? new JsonLines() : new LineSplitter(MAX_LINE_BYTES);
  // Each line is freed after it was read; a request holds one batch of records at a time.
  lease.take(MAX_LINE_BYTES);
  await eachChunk(request, limits, async (chunk) => {
    await addLines(splitter.push(chunk), batch, turns);
  });
  await addLines(splitter.end(), batch, turns);
}

class LineBatch {
  readonly #intake: Intake;
  readonly #reader: LineReader;
  readonly #service: string;
  readonly format: LineFormat;
  readonly #joiner = new TraceJoiner();
  #nowMs = 0;
  #records: LogRecord[] = [];
  #accepted = 0;
  #rejected = 0;
  readonly #errors: { line: number; reason: string }[] = [];

  constructor(intake: Intake, reader: LineReader, service: string, format: LineFormat) {
    this.#intake = intake;
    this.#reader = reader;
    this.#service = service;
    this.format = format;
  }

  /** Then the caller waits for `flush`: only there is something to wait for. */
  get isFull(): boolean {
    return this.#records.length >= BATCH_RECORDS;
  }

  addLine({ number, bytes }: Line): void {
    if (bytes === undefined) {
      this.#refuse(number, TOO_LONG);
      return;
    }
    if (isBlank(bytes)) return;
    const text = bytes.toString('utf8').replace(/\r$/, '');
    for (const whole of this.format === 'text' ? this.#joiner.push(text) : [text]) this.#addText(whole, number);
  }

  addParsed({ number, json, fault }: ParsedLine): void {
    if (fault === undefined) this.add(json, number);
    else this.#refuse(number, fault);
  }

  /** The time of receipt of the lines that follow is now. */
  arrived(): void {
    this.#nowMs = this.#intake.clock.now();
  }

  add(value: unknown, line: number): void {
    this.#take(this.#reader.read(value, this.#nowMs, this.#service), line);
  }

  #addText(text: string, line: number): void {
    this.#take(this.#reader.readText(text, this.format, this.#nowMs, this.#service), line);
  }

  #take(record: LogRecord | string, line: number): void {
    if (typeof record === 'string') {
      this.#refuse(line, record);
      return;
    }
    const timeMs = unixMs(record.timeUnixNano);
    const refused = refuseTime(timeMs, this.#nowMs, this.#intake.times, 'milliseconds');
    if (refused !== undefined) {
      this.#refuse(line, refused.message);
      return;
    }
    this.#records.push(record);
  }

  async finish(): Promise<LinesAnswer> {
    for (const text of this.#joiner.flush()) this.#addText(text, 0);
    await this.flush();
    return { accepted: this.#accepted, rejected: this.#rejected, errors: this.#errors };
  }

  async flush(): Promise<void> {
    if (this.#records.length === 0) return;
    const records = this.#records;
    this.#records = [];
    const { accepted, rejected } = await this.#intake.logs(records, 'ndjson');
    if (this.#intake.turns.due) await this.#intake.turns.next();
    this.#accepted += accepted;
    for (const { count, message } of rejected) {
      this.#rejected += count;
      this.#note(0, message);
    }
  }

  #refuse(line: number, reason: string): void {
    this.#rejected += 1;
    this.#intake.refused('logs', 'invalid', 1);
    this.#note(line, reason);
  }

  #note(line: number, reason: string): void {
    if (this.#errors.length < MAX_ERRORS) this.#errors.push({ line, reason });
  }
}
