/** What the failed checks saw: sent, address, answer, certificate, and the way to the trace. */
import type { JSX } from 'preact';
import type { EvidenceJson } from '../../monitor/api/targets/contract.ts';
import type { Resource } from '../state/api.ts';
import { dateTime, digits } from '../state/format.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import { phaseWord } from './target-state.tsx';

type Evidence = EvidenceJson['evidence'][number];

const pairsOf = (headers: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(headers ?? {})
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');

function Facts({ of }: { of: Evidence }): JSX.Element {
  const { certificate, phases } = of;
  const told: readonly (readonly [string, string | undefined])[] = [
    ['sent', of.sent],
    ['step', of.step],
    ['address', of.address],
    ['status', of.status?.toString()],
    [
      'phases',
      Object.entries(phases)
        .map(([name, ms]) => `${phaseWord(name)} ${digits(ms)} ms`)
        .join(', '),
    ],
    ['redirects', of.redirects?.join(' → ')],
    ['notes', of.notes?.join('. ')],
    ['certificate', certificate && `${certificate.subject}, by ${certificate.issuer}, until ${certificate.valid_to}`],
    ['its mistake', certificate?.error],
  ];
  return (
    <>
      <dl class="pairs">
        {told.flatMap(([name, value]) =>
          value === undefined || value === ''
            ? []
            : [
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>
                    <Name of={value} most={500} mono />
                  </dd>
                </div>,
              ],
        )}
      </dl>
      {pairsOf(of.headers) !== '' && (
        <pre class="excerpt" tabIndex={0} aria-label="Headers of the answer">
          {pairsOf(of.headers)}
        </pre>
      )}
      {of.excerpt !== undefined && of.excerpt !== '' && (
        <pre class="excerpt" tabIndex={0} aria-label="Begin of the answer">
          {of.excerpt}
        </pre>
      )}
      {of.trace_id !== '' && (
        <p class="foot">
          <a class="btn sm" href={`/traces/${of.trace_id}`}>
            Trace of this check
          </a>
        </p>
      )}
    </>
  );
}

export function EvidenceCard({ evidence }: { evidence: Resource<EvidenceJson> }): JSX.Element {
  const failures = (all: EvidenceJson): readonly Evidence[] => all.evidence.filter(({ success }) => !success);
  return (
    <section class="card c12" aria-label="Evidence">
      <div class="hd">
        <h2>Evidence</h2>
        <span class="sub">of the failed checks among the last twenty that were kept, newest first</span>
      </div>
      <Loaded
        of={evidence}
        height={80}
        isEmpty={(all) => failures(all).length === 0}
        empty={<Empty text="None of them failed." />}
      >
        {(all) =>
          failures(all).map((one, at) => (
            <details key={one.time} class="evidence" open={at === 0}>
              <summary>
                <StatusIcon status="crit" label="failed" />
                <time dateTime={one.time}>{dateTime(Date.parse(one.time), 'seconds')}</time>
                <Name of={one.reason} most={200} />
              </summary>
              <Facts of={one} />
            </details>
          ))
        }
      </Loaded>
    </section>
  );
}
