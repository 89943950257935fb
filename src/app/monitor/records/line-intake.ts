/** The intake of log lines as the configuration asks for it: field mapping, schema, redaction and followed files. */
import path from 'node:path';
import type { RareLine } from '../../../base/logger.ts';
import type { Clock } from '../../../base/clock.ts';
import type { IngestCounters } from '../../../monitor/ingest/checks/counters.ts';
import { Redaction } from '../../../monitor/ingest/checks/redaction.ts';
import { FileLines } from '../../../monitor/ingest/lines/file-lines.ts';
import { LineReader } from '../../../monitor/ingest/lines/line-reader.ts';
import { schemaCheck } from '../../../monitor/ingest/lines/schema-file.ts';
import type { Intake } from '../../../monitor/ingest/request/intake.ts';
import type { Settings } from '../../process/settings-schema.ts';

type LogSettings = Settings['ingest']['logs'];

/** @throws VitrineError `config_invalid` for a schema that cannot be used */
export function lineReader({ mapping, schema, misfits }: LogSettings, counters: IngestCounters): LineReader {
  return new LineReader({
    mapping,
    schema: schema === undefined ? undefined : schemaCheck(schema),
    refuseMisfits: misfits === 'refuse',
    onMisfit: () => counters.misfit('schema'),
  });
}

/**
 * One set of rules for all data: a secret that stands in lines stands in exceptions of spans too.
 * @throws VitrineError `config_invalid` for an expression that is not RE2
 */
export function redactionOf({ redact, logs }: Settings['ingest']): Redaction {
  return new Redaction([...redact, ...logs.redact].map((rule) => (typeof rule === 'string' ? { field: rule } : rule)));
}

export interface FollowOptions {
  readonly files: LogSettings['files'];
  readonly reader: LineReader;
  readonly intake: Intake;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly rareLine: RareLine;
}

/** Undefined when no file is configured. */
export async function followFiles(options: FollowOptions): Promise<FileLines | undefined> {
  const { files, reader, intake, dataDir, clock, rareLine } = options;
  if (files.length === 0) return undefined;
  const following = new FileLines({
    sources: files,
    reader,
    intake,
    positions: path.join(dataDir, 'log-files.json'),
    clock,
    onTrouble: (message) => rareLine('warn', 'A log file cannot be followed', { error: message }, message),
  });
  await following.start();
  return following;
}
