/** Traces by any id that a user holds: of the trace, of a request or of a transaction, on a span or on a log line. */
import type { Clock } from '../../../base/clock.ts';
import type { RecordSource } from '../../../model/record-source.ts';
import type { Condition } from '../../search/filter.ts';
import { scanMatches } from '../../search/scan.ts';
import { valueAt } from '../../search/counts.ts';
import type { Asked } from './parameters.ts';

/** Attributes under which spans and log lines carry ids. */
const ID_ATTRIBUTES = ['transaction_id', 'payments.transaction.id', 'http.request.header.x-request-id', 'request_id'];
const MAX_TRACES = 100;

const equal = (field: string, text: string): Condition => ({
  kind: 'field',
  field,
  test: { kind: 'equal', text, folded: false },
});

const either = (parts: readonly Condition[]): Condition => ({ kind: 'or', parts });

/** `asked`, narrowed to traces with this id on a span, or on a log line that names the trace. */
export async function withId(
  records: RecordSource,
  asked: Asked<'traces'>,
  id: string,
  clock: Clock,
): Promise<Asked<'traces'>> {
  const named = either(ID_ATTRIBUTES.map((name) => equal(name, id)));
  const traceIds = new Set<string>([id.toLowerCase()]);
  const lines = { ...asked, signal: 'logs', filter: { ...asked.filter, condition: named }, before: undefined } as const;
  await scanMatches(records, lines, clock, (batch, rows) => {
    const ids = batch.column('trace');
    for (const row of rows) {
      const traceId = valueAt(ids, row);
      if (typeof traceId === 'string' && traceIds.size < MAX_TRACES) traceIds.add(traceId);
    }
    return traceIds.size < MAX_TRACES ? undefined : 'full';
  });
  const wanted = either([named, ...[...traceIds].map((traceId) => equal('trace', traceId))]);
  return {
    ...asked,
    filter: { ...asked.filter, condition: { kind: 'and', parts: [asked.filter.condition, wanted] } },
  };
}
