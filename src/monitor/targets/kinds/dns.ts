/** DNS: one question to one server over UDP, TCP or TLS, and patterns over the records of the answer. */
import dgram from 'node:dgram';
import type { Socket } from 'node:net';
import { isIPv6 } from 'node:net';
import { systemRandom } from '../../../base/random.ts';
import type { CheckContext, CheckReport, DnsSpec, ProbeSeries, RecordMatches } from '../check.ts';
import { dial, eventOf, resolveHost } from '../net/dial.ts';
import { dnsQuery, readDnsAnswer, TYPES, type DnsAnswer } from '../net/dns-message.ts';
import { found } from '../net/patterns.ts';
import { CheckFailure, Progress, sentenceOf } from '../net/progress.ts';
import { commonSeries } from './series.ts';

const MAX_ANSWER_BYTES = 65_535;

async function overUdp(query: Buffer, spec: DnsSpec, context: CheckContext, progress: Progress): Promise<DnsAnswer> {
  let address: string;
  try {
    address = await resolveHost(spec.host, spec.family, context);
  } finally {
    progress.lookupSeconds = progress.end('resolve');
  }
  progress.address = address;
  const socket = dgram.createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  try {
    const { promise, resolve, reject } = Promise.withResolvers<DnsAnswer>();
    context.signal.addEventListener('abort', () => reject(context.signal.reason as Error), { once: true });
    socket.on('error', reject);
    socket.on('message', (bytes) => {
      try {
        const answer = readDnsAnswer(bytes);
        // An answer to another question is not ours: wait for the right one.
        if (answer.id === query.readUInt16BE(0)) resolve(answer);
      } catch (error) {
        reject(error);
      }
    });
    // A connected socket takes packets of this server only, and learns that the port is closed.
    socket.connect(spec.port, address, () => {
      progress.end('connect');
      socket.send(query, (error) => error !== null && reject(error));
    });
    return await promise;
  } finally {
    progress.end('processing');
    socket.close();
  }
}

async function overTcp(query: Buffer, spec: DnsSpec, context: CheckContext, progress: Progress): Promise<DnsAnswer> {
  const socket: Socket = await dial(spec, context, progress);
  try {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.write(Buffer.concat([length, query]));
    let bytes = Buffer.alloc(0);
    for (;;) {
      bytes = Buffer.concat([bytes, (await eventOf(socket, 'data', context.signal)) as Buffer]);
      if (bytes.length > MAX_ANSWER_BYTES + 2) throw new CheckFailure('The answer is too long.');
      if (bytes.length >= 2 && bytes.length >= bytes.readUInt16BE(0) + 2) return readDnsAnswer(bytes.subarray(2));
    }
  } finally {
    progress.end('processing');
    socket.destroy();
  }
}

/** Why the records of a section are not as wanted; '' when they are. */
function sectionReason(name: string, records: readonly string[], matches: RecordMatches): string {
  const matching = (pattern: string): number => records.filter((record) => found(pattern, record)).length;
  for (const pattern of matches.failIfMatches) {
    if (matching(pattern) > 0) return `A record of the ${name} section matches ${pattern}.`;
  }
  for (const pattern of matches.failIfNotMatches) {
    if (matching(pattern) < records.length) return `A record of the ${name} section does not match ${pattern}.`;
  }
  // Without records nothing can match, which the exporter counts as a failure of these two.
  for (const pattern of matches.failIfAllMatch) {
    if (matching(pattern) === records.length) return `All records of the ${name} section match ${pattern}.`;
  }
  for (const pattern of matches.failIfNoneMatches) {
    if (matching(pattern) === 0) return `No record of the ${name} section matches ${pattern}.`;
  }
  return '';
}

function reasonOf(answer: DnsAnswer, spec: DnsSpec): string {
  if (!spec.rcodes.includes(answer.rcode)) return `The answer is ${answer.rcode}, not ${spec.rcodes.join(' or ')}.`;
  return (
    sectionReason('answer', answer.answer, spec.answer) ||
    sectionReason('authority', answer.authority, spec.authority) ||
    sectionReason('additional', answer.additional, spec.additional)
  );
}

function seriesOf(answer: DnsAnswer | undefined, spec: DnsSpec, progress: Progress): ProbeSeries[] {
  const { phases } = progress;
  const seconds = { resolve: phases.resolve, connect: phases.connect, request: phases.processing };
  return [
    ...commonSeries(progress),
    ...Object.entries(seconds).map(([phase, value]) => ({
      name: 'probe_dns_duration_seconds',
      labels: { phase },
      value: value ?? 0,
    })),
    { name: 'probe_dns_answer_rrs', value: answer?.answer.length ?? 0 },
    { name: 'probe_dns_authority_rrs', value: answer?.authority.length ?? 0 },
    { name: 'probe_dns_additional_rrs', value: answer?.additional.length ?? 0 },
    { name: 'probe_dns_query_succeeded', value: answer === undefined ? 0 : 1 },
    ...(spec.queryType === 'SOA' ? [{ name: 'probe_dns_serial', value: answer?.serial ?? 0 }] : []),
  ];
}

export async function checkDns(spec: DnsSpec, context: CheckContext): Promise<CheckReport> {
  const progress = new Progress(context.clock);
  let answer: DnsAnswer | undefined;
  let reason = '';
  try {
    const id = Math.floor(systemRandom() * 65_536);
    const query = dnsQuery(id, spec.queryName, TYPES[spec.queryType] ?? TYPES['ANY'], spec.recursion);
    answer = await (spec.transport === 'udp' ? overUdp : overTcp)(query, spec, context, progress);
    reason = reasonOf(answer, spec);
  } catch (error) {
    reason = sentenceOf(error, context.timeoutMs, context.signal);
  }
  return {
    success: reason === '',
    reason,
    phases: progress.phases,
    series: seriesOf(answer, spec, progress),
    evidence: {
      sent: `${spec.queryType} ${spec.queryName} to ${spec.host}:${spec.port} over ${spec.transport}`,
      address: progress.address,
      excerpt:
        answer === undefined
          ? undefined
          : [answer.rcode, ...answer.answer, ...answer.authority].join('\n').slice(0, 2_048),
    },
  };
}
